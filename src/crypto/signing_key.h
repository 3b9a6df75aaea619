// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_CRYPTO_SIGNING_KEY_H_
#define NVUNLOCK_CRYPTO_SIGNING_KEY_H_

#include <openssl/evp.h>

#include <initializer_list>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/crypto/openssl.h"

namespace nvunlock {

/// Two numbers of 32 bytes each, big endian: a point of P-256, or an ECDSA signature.
struct NumberPair {
  Bytes first;
  Bytes second;
};

/// An ECDSA key on P-256.
class SigningKey {
 public:
  static Result<SigningKey> Generate();

  /// The key that Export wrote. Fails with kBadKeyFile on anything else.
  static Result<SigningKey> Import(const Secret& exported);

  /// The private scalar, and the public point, uncompressed as SEC 1 has it: 97 bytes.
  [[nodiscard]] Result<Secret> Export() const;

  [[nodiscard]] Result<NumberPair> PublicPoint() const;

  /// ECDSA with SHA-256 over the parts one after the other.
  [[nodiscard]] Result<NumberPair> Sign(std::initializer_list<ByteView> parts) const;

 private:
  using Pkey = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;

  explicit SigningKey(Pkey key) : key_(std::move(key)) {}

  Pkey key_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_CRYPTO_SIGNING_KEY_H_
