// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/model/pcr_signature_test.cc, test/cli/signed.bats.
#ifndef NVUNLOCK_CRYPTO_RSA_KEY_H_
#define NVUNLOCK_CRYPTO_RSA_KEY_H_

#include <cstdint>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/crypto/hash.h"

namespace nvunlock {

/// The public half of an RSA key.
struct RsaKey {
  Bytes modulus;  ///< big endian, its first bit set
  uint32_t exponent = 65537;

  bool operator==(const RsaKey&) const = default;
};

/// Reads a PEM "PUBLIC KEY". Fails unless it is an RSA key of 2048, 3072 or 4096 bits: TPMs know no
/// others.
Result<RsaKey> ParseRsaKey(std::string_view pem);

/// The key's SubjectPublicKeyInfo in DER.
Result<Bytes> EncodeRsaKey(const RsaKey& key);

/// SHA-256 of what EncodeRsaKey makes:
/// `openssl pkey -pubin -outform DER | sha256sum`.
Result<Sha256Digest> FingerprintOf(const RsaKey& key);

/// Whether SIGNATURE is KEY's over MESSAGE: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017).
bool VerifySignature(const RsaKey& key, ByteView message, ByteView signature);

}  // namespace nvunlock

#endif  // NVUNLOCK_CRYPTO_RSA_KEY_H_
