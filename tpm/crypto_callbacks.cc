// SPDX-License-Identifier: Apache-2.0
#include "tpm/crypto_callbacks.h"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "src/crypto/openssl.h"
#include "tpm/salt_encryption.h"

// The contracts are those of the typedefs ESYS_CRYPTO_*_FNP in tss2_esys.h.

namespace nvunlock {
namespace {

using Blob = ESYS_CRYPTO_CONTEXT_BLOB;

const char* DigestName(TPM2_ALG_ID algorithm) {
  switch (algorithm) {
    case TPM2_ALG_SHA1:
      return "SHA1";
    case TPM2_ALG_SHA256:
      return "SHA256";
    case TPM2_ALG_SHA384:
      return "SHA384";
    case TPM2_ALG_SHA512:
      return "SHA512";
    default:
      return nullptr;
  }
}

TSS2_RC OkIf(bool succeeded) {
  return succeeded ? TSS2_RC_SUCCESS : TSS2_RC(TSS2_ESYS_RC_GENERAL_FAILURE);
}

EVP_MD_CTX* AsHash(Blob* context) {
  return reinterpret_cast<EVP_MD_CTX*>(context);
}
EVP_MAC_CTX* AsHmac(Blob* context) {
  return reinterpret_cast<EVP_MAC_CTX*>(context);
}

void HashAbort(Blob** context, void* /*userdata*/) {
  if (context == nullptr) return;
  EVP_MD_CTX_free(AsHash(*context));
  *context = nullptr;
}

TSS2_RC HashStart(Blob** context, TPM2_ALG_ID algorithm, void* /*userdata*/) {
  const char* name = DigestName(algorithm);
  if (name == nullptr) return TSS2_ESYS_RC_NOT_IMPLEMENTED;
  EVP_MD_CTX* hash = EVP_MD_CTX_new();
  *context = reinterpret_cast<Blob*>(hash);
  if (hash != nullptr && EVP_DigestInit_ex2(hash, FetchDigest(name), nullptr) == 1) {
    return TSS2_RC_SUCCESS;
  }
  HashAbort(context, nullptr);
  return TSS2_ESYS_RC_GENERAL_FAILURE;
}

TSS2_RC HashUpdate(Blob* context, const uint8_t* buffer, size_t size, void* /*userdata*/) {
  return OkIf(EVP_DigestUpdate(AsHash(context), buffer, size) == 1);
}

TSS2_RC HashFinish(Blob** context, uint8_t* buffer, size_t* size, void* /*userdata*/) {
  unsigned written = 0;
  bool succeeded = EVP_DigestFinal_ex(AsHash(*context), buffer, &written) == 1;
  *size = written;
  HashAbort(context, nullptr);
  return OkIf(succeeded);
}

void HmacAbort(Blob** context, void* /*userdata*/) {
  if (context == nullptr) return;
  EVP_MAC_CTX_free(AsHmac(*context));
  *context = nullptr;
}

TSS2_RC HmacStart(Blob** context, TPM2_ALG_ID algorithm, const uint8_t* key, size_t size,
                  void* /*userdata*/) {
  const char* name = DigestName(algorithm);
  if (name == nullptr) return TSS2_ESYS_RC_NOT_IMPLEMENTED;
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(name), 0),
      OSSL_PARAM_construct_end(),
  };
  static constexpr uint8_t kEmptyKey = 0;  // a null pointer would mean "keep the old key"
  EVP_MAC_CTX* hmac = EVP_MAC_CTX_new(FetchHmac());
  *context = reinterpret_cast<Blob*>(hmac);
  if (hmac != nullptr && EVP_MAC_init(hmac, size == 0 ? &kEmptyKey : key, size, params) == 1) {
    return TSS2_RC_SUCCESS;
  }
  HmacAbort(context, nullptr);
  return TSS2_ESYS_RC_GENERAL_FAILURE;
}

TSS2_RC HmacUpdate(Blob* context, const uint8_t* buffer, size_t size, void* /*userdata*/) {
  return OkIf(EVP_MAC_update(AsHmac(context), buffer, size) == 1);
}

TSS2_RC HmacFinish(Blob** context, uint8_t* buffer, size_t* size, void* /*userdata*/) {
  size_t capacity = *size;
  bool succeeded = EVP_MAC_final(AsHmac(*context), buffer, size, capacity) == 1;
  HmacAbort(context, nullptr);
  return OkIf(succeeded);
}

TSS2_RC GetRandom(TPM2B_NONCE* nonce, size_t size, void* /*userdata*/) {
  if (size > sizeof(nonce->buffer)) return TSS2_ESYS_RC_BAD_VALUE;
  nonce->size = static_cast<UINT16>(size == 0 ? sizeof(nonce->buffer) : size);
  return OkIf(RAND_bytes(nonce->buffer, nonce->size) == 1);
}

/// Runs AES-CFB over BUFFER in place.
TSS2_RC AesCfb(bool encrypt, const uint8_t* key, TPM2_ALG_ID algorithm, TPMI_AES_KEY_BITS key_bits,
               TPM2_ALG_ID mode, uint8_t* buffer, size_t size, const uint8_t* iv) {
  if (algorithm != TPM2_ALG_AES || mode != TPM2_ALG_CFB) return TSS2_ESYS_RC_NOT_IMPLEMENTED;
  const char* name = key_bits == 128 ? "AES-128-CFB" : "AES-256-CFB";
  if (key_bits != 128 && key_bits != 256) return TSS2_ESYS_RC_NOT_IMPLEMENTED;
  OpensslPtr<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> context(EVP_CIPHER_CTX_new());
  int written = 0;
  return OkIf(
      context != nullptr &&
      EVP_CipherInit_ex2(context.get(), FetchCipher(name), key, iv, encrypt, nullptr) == 1 &&
      EVP_CipherUpdate(context.get(), buffer, &written, buffer, static_cast<int>(size)) == 1);
}

TSS2_RC AesEncrypt(uint8_t* key, TPM2_ALG_ID algorithm, TPMI_AES_KEY_BITS key_bits,
                   TPM2_ALG_ID mode, uint8_t* buffer, size_t size, uint8_t* iv,
                   void* /*userdata*/) {
  return AesCfb(true, key, algorithm, key_bits, mode, buffer, size, iv);
}

TSS2_RC AesDecrypt(uint8_t* key, TPM2_ALG_ID algorithm, TPMI_AES_KEY_BITS key_bits,
                   TPM2_ALG_ID mode, uint8_t* buffer, size_t size, uint8_t* iv,
                   void* /*userdata*/) {
  return AesCfb(false, key, algorithm, key_bits, mode, buffer, size, iv);
}

}  // namespace

ESYS_CRYPTO_CALLBACKS CryptoCallbacks() {
  InitOpenssl();
  ESYS_CRYPTO_CALLBACKS callbacks = {};
  callbacks.rsa_pk_encrypt = EncryptSaltWithRsa;
  callbacks.get_ecdh_point = AgreeOnSaltWithEcc;
  callbacks.hash_start = HashStart;
  callbacks.hash_update = HashUpdate;
  callbacks.hash_finish = HashFinish;
  callbacks.hash_abort = HashAbort;
  callbacks.hmac_start = HmacStart;
  callbacks.hmac_update = HmacUpdate;
  callbacks.hmac_finish = HmacFinish;
  callbacks.hmac_abort = HmacAbort;
  callbacks.get_random2b = GetRandom;
  callbacks.aes_encrypt = AesEncrypt;
  callbacks.aes_decrypt = AesDecrypt;
  return callbacks;
}

}  // namespace nvunlock
