// SPDX-License-Identifier: Apache-2.0
#include "src/crypto/signing_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>

namespace nvunlock {
namespace {

constexpr size_t kNumberSize = 32;
constexpr size_t kSignatureLimit = 80;

Bytes ToBytes(const BIGNUM* number) {
  Bytes bytes(kNumberSize);
  if (BN_bn2binpad(number, bytes.data(), kNumberSize) != kNumberSize) bytes.clear();
  return bytes;
}

Result<NumberPair> ParseSignature(ByteView der) {
  const uint8_t* cursor = der.data();
  OpensslPtr<ECDSA_SIG, ECDSA_SIG_free> signature(
      d2i_ECDSA_SIG(nullptr, &cursor, static_cast<long>(der.size())));
  if (signature == nullptr) return FailOpenssl("sign");
  return NumberPair{ToBytes(ECDSA_SIG_get0_r(signature.get())),
                    ToBytes(ECDSA_SIG_get0_s(signature.get()))};
}

}  // namespace

Result<SigningKey> SigningKey::Generate() {
  InitOpenssl();
  Pkey key(EVP_EC_gen("P-256"));
  if (key == nullptr) return FailOpenssl("make a signing key");
  return SigningKey(std::move(key));
}

Result<NumberPair> SigningKey::PublicPoint() const {
  Bytes encoded(1 + 2 * kNumberSize);  // SEC 1, uncompressed: 4, x, y
  size_t size = 0;
  if (EVP_PKEY_get_octet_string_param(key_.get(), OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
                                      encoded.data(), encoded.size(), &size) != 1 ||
      size != encoded.size()) {
    return FailOpenssl("export a signing key");
  }
  auto middle = encoded.begin() + 1 + kNumberSize;
  return NumberPair{Bytes(encoded.begin() + 1, middle), Bytes(middle, encoded.end())};
}

Result<NumberPair> SigningKey::Sign(std::initializer_list<ByteView> parts) const {
  OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  bool good = context != nullptr && EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", nullptr,
                                                          nullptr, key_.get(), nullptr) == 1;
  for (ByteView part : parts) {
    good = good && EVP_DigestSignUpdate(context.get(), part.data(), part.size()) == 1;
  }
  Bytes der(kSignatureLimit);
  size_t size = der.size();
  if (!good || EVP_DigestSignFinal(context.get(), der.data(), &size) != 1) {
    return FailOpenssl("sign");
  }
  return ParseSignature(ByteView(der).first(size));
}

}  // namespace nvunlock
