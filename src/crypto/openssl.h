// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/crypto/hash_test.cc, test/cli/binary.bats.
#ifndef NVUNLOCK_CRYPTO_OPENSSL_H_
#define NVUNLOCK_CRYPTO_OPENSSL_H_

#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <memory>
#include <string_view>

#include "src/base/result.h"

namespace nvunlock {

/// Owns an OpenSSL object and frees it with FREE: `OpensslPtr<BIO, BIO_free_all>`.
template <auto Free>
struct OpensslDeleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

template <typename T, auto Free>
using OpensslPtr = std::unique_ptr<T, OpensslDeleter<Free>>;

/// Starts OpenSSL without reading a configuration file. Call it before any other use; cheap after
/// the first time.
void InitOpenssl();

/// The algorithms in use, each fetched once a process: a fetch costs more than the work itself.
/// nullptr when this OpenSSL has no such algorithm.
const EVP_MD* FetchDigest(const char* name);
const EVP_CIPHER* FetchCipher(const char* name);
EVP_MAC* FetchHmac();
EVP_KDF* FetchHkdf();

/// "ACTION: OpenSSL's newest reason"; empties OpenSSL's error queue.
Failure FailOpenssl(std::string_view action);

}  // namespace nvunlock

#endif  // NVUNLOCK_CRYPTO_OPENSSL_H_
