#ifndef NVUNLOCK_CRYPTO_CMS_H_
#define NVUNLOCK_CRYPTO_CMS_H_

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/base/secret.h"

namespace nvunlock {

/// DER of a CMS AuthEnvelopedData (RFC 5083, AES-256-GCM) that holds CONTENT for one
/// KEKRecipientInfo with the 32-byte WRAPPING_KEY; KEY_ID is its public key identifier.
/// `openssl cms -decrypt -secretkey HEX -secretkeyid HEX` opens it.
Result<Bytes> EncryptToKey(const Secret& content, const Secret& wrapping_key, ByteView key_id);

/// The content of what EncryptToKey made. Fails with kBadKeyFile when DER is damaged or made for
/// another key.
Result<Secret> DecryptWithKey(ByteView der, const Secret& wrapping_key, ByteView key_id);

}  // namespace nvunlock

#endif  // NVUNLOCK_CRYPTO_CMS_H_
