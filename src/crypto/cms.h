// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_CRYPTO_CMS_H_
#define NVUNLOCK_CRYPTO_CMS_H_

#include <string>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/base/secret.h"

namespace nvunlock {

/// Whom a CMS message is for; each of ours is for one.
enum class CmsRecipient {
  kKey,          ///< KEKRecipientInfo: whoever has a symmetric key
  kPassphrase,   ///< PasswordRecipientInfo
  kCertificate,  ///< KeyTransRecipientInfo or KeyAgreeRecipientInfo
};

/// What a message says of its recipient, in clear.
struct CmsAddress {
  CmsRecipient recipient = CmsRecipient::kKey;
  Bytes key_id;        ///< of kKey
  Bytes scrypt;        ///< of kKey: scrypt-params by which the key was derived; may be empty
  std::string issuer;  ///< of kCertificate, on one line; empty when the certificate has none
};

/// Fails with kBadKeyFile when DER is not a message of ours or has not just one recipient.
Result<CmsAddress> ReadAddress(ByteView der);

/// DER of a CMS AuthEnvelopedData (RFC 5083, AES-256-GCM) that holds CONTENT for one
/// KEKRecipientInfo with the 32-byte WRAPPING_KEY; KEY_ID is its public key identifier.
/// DER of scrypt-params (RFC 7914) can go along, as other key attribute.
/// `openssl cms -decrypt -secretkey HEX -secretkeyid HEX` opens it.
Result<Bytes> EncryptToKey(const Secret& content, const Secret& wrapping_key, ByteView key_id,
                           ByteView scrypt = {});

/// DER of a CMS EnvelopedData (RFC 5652, AES-256-CBC: OpenSSL 3.0 cannot combine passphrases with
/// GCM) for one PasswordRecipientInfo with ROUNDS rounds of PBKDF2.
/// `openssl cms -decrypt -pwri_password PASSPHRASE` opens it. It does not detect changes.
Result<Bytes> EncryptToPassphrase(const Secret& content, const Secret& passphrase,
                                  int rounds = 1'000'000);

/// DER of a CMS AuthEnvelopedData for the RSA (OAEP) or EC key of CERTIFICATE, which is PEM text.
/// `openssl cms -decrypt -inkey KEY` opens it.
Result<Bytes> EncryptToCertificate(const Secret& content, std::string_view certificate);

/// The content of what EncryptToKey made. Fails with kBadKeyFile when DER is damaged or made for
/// another key.
Result<Secret> DecryptWithKey(ByteView der, const Secret& wrapping_key, ByteView key_id);

/// The content of what EncryptToPassphrase made, in at most kMostPassphraseRounds rounds. A wrong
/// passphrase fails with kBadKeyFile or, once in a while, yields wrong bytes: verify them.
Result<Secret> DecryptWithPassphrase(ByteView der, const Secret& passphrase);

}  // namespace nvunlock

#endif  // NVUNLOCK_CRYPTO_CMS_H_
