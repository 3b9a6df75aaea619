// SPDX-License-Identifier: Apache-2.0
#include "src/crypto/aes.h"

#include "src/base/wipe_stack.h"
#include "src/crypto/openssl.h"

namespace nvunlock {
namespace {

constexpr size_t kBlockSize = 16;
constexpr size_t kKeySize = 32;

using Context = OpensslPtr<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

}  // namespace

Result<Bytes> EncryptAesCbc(const Secret& plaintext, ByteView key, ByteView iv) {
  StackWiper wiper;
  if (key.size() != kKeySize || iv.size() != kBlockSize || plaintext.size() % kBlockSize != 0) {
    return Fail("AES-256-CBC: a key, IV or plaintext of an impossible size");
  }
  Context context(EVP_CIPHER_CTX_new());
  Bytes ciphertext(plaintext.size());
  int size = 0;
  int rest = 0;
  const int wanted = static_cast<int>(ciphertext.size());
  if (context == nullptr ||
      EVP_EncryptInit_ex2(context.get(), FetchCipher("AES-256-CBC"), key.data(), iv.data(),
                          nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(context.get(), 0) != 1 ||
      EVP_EncryptUpdate(context.get(), ciphertext.data(), &size, plaintext.bytes().data(),
                        static_cast<int>(plaintext.size())) != 1 ||
      EVP_EncryptFinal_ex(context.get(), ciphertext.data() + size, &rest) != 1 ||
      size + rest != wanted) {
    return FailOpenssl("encrypt by AES-256-CBC");
  }
  return ciphertext;
}

}  // namespace nvunlock
