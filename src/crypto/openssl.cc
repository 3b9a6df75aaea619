// SPDX-License-Identifier: Apache-2.0
#include "src/crypto/openssl.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <map>
#include <string>

namespace nvunlock {

void InitOpenssl() {
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
}

// What is fetched lives as long as the process does, so nothing below is ever freed.

const EVP_MD* FetchDigest(const char* name) {
  static auto& fetched = *new std::map<std::string, const EVP_MD*>;
  auto [entry, is_new] = fetched.try_emplace(name, nullptr);
  if (is_new) {
    InitOpenssl();
    entry->second = EVP_MD_fetch(nullptr, name, nullptr);
  }
  return entry->second;
}

const EVP_CIPHER* FetchCipher(const char* name) {
  static auto& fetched = *new std::map<std::string, const EVP_CIPHER*>;
  auto [entry, is_new] = fetched.try_emplace(name, nullptr);
  if (is_new) {
    InitOpenssl();
    entry->second = EVP_CIPHER_fetch(nullptr, name, nullptr);
  }
  return entry->second;
}

EVP_MAC* FetchHmac() {
  static EVP_MAC* const hmac = (InitOpenssl(), EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  return hmac;
}

EVP_KDF* FetchHkdf() {
  static EVP_KDF* const hkdf = (InitOpenssl(), EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  return hkdf;
}

Failure FailOpenssl(std::string_view action) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return Fail(std::string(action) + ": " + (reason != nullptr ? reason : "OpenSSL failed"));
}

}  // namespace nvunlock
