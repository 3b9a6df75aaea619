// SPDX-License-Identifier: Apache-2.0
#include "src/crypto/hash.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <cstdlib>

#include "src/crypto/openssl.h"

namespace nvunlock {
namespace {

/// Hashes and HMAC cannot fail but for lack of memory, and then nothing else works either.
void OrAbort(bool succeeded) {
  if (!succeeded) abort();
}

void HashInto(uint8_t* digest, const EVP_MD* algorithm, std::initializer_list<ByteView> parts) {
  OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  OrAbort(EVP_DigestInit_ex2(context.get(), algorithm, nullptr) == 1);
  for (ByteView part : parts) {
    OrAbort(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  }
  OrAbort(EVP_DigestFinal_ex(context.get(), digest, nullptr) == 1);
}

}  // namespace

Sha256Digest Sha256(std::initializer_list<ByteView> parts) {
  Sha256Digest digest;
  HashInto(digest.data(), FetchDigest("SHA256"), parts);
  return digest;
}

Bytes HashWith(const char* name, std::initializer_list<ByteView> parts) {
  const EVP_MD* algorithm = FetchDigest(name);
  Bytes digest(static_cast<size_t>(EVP_MD_get_size(algorithm)));
  HashInto(digest.data(), algorithm, parts);
  return digest;
}

Sha256Digest HmacSha256(ByteView key, std::initializer_list<ByteView> parts) {
  OpensslPtr<EVP_MAC_CTX, EVP_MAC_CTX_free> context(EVP_MAC_CTX_new(FetchHmac()));
  char digest_name[] = "SHA256";
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
      OSSL_PARAM_construct_end(),
  };
  OrAbort(EVP_MAC_init(context.get(), key.data(), key.size(), params) == 1);
  for (ByteView part : parts) {
    OrAbort(EVP_MAC_update(context.get(), part.data(), part.size()) == 1);
  }
  Sha256Digest mac;
  OrAbort(EVP_MAC_final(context.get(), mac.data(), nullptr, mac.size()) == 1);
  return mac;
}

Result<Secret> HkdfSha256(ByteView key, std::string_view info, size_t size) {
  Secret output = TRY(Secret::Create(size));
  OpensslPtr<EVP_KDF_CTX, EVP_KDF_CTX_free> context(EVP_KDF_CTX_new(FetchHkdf()));
  char digest_name[] = "SHA256";
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest_name, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<uint8_t*>(key.data()),
                                        key.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<char*>(info.data()),
                                        info.size()),
      OSSL_PARAM_construct_end(),
  };
  if (EVP_KDF_derive(context.get(), output.bytes().data(), output.size(), params) != 1) {
    return FailOpenssl("derive a key");
  }
  return output;
}

bool EqualInConstantTime(ByteView a, ByteView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace nvunlock
