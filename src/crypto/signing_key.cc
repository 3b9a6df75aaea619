// SPDX-License-Identifier: Apache-2.0
#include "src/crypto/signing_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>

#include <algorithm>

namespace nvunlock {
namespace {

constexpr size_t kNumberSize = 32;
constexpr size_t kPointSize = 1 + 2 * kNumberSize;  // SEC 1, uncompressed: 4, x, y
constexpr size_t kSignatureLimit = 80;

using Number = OpensslPtr<BIGNUM, BN_clear_free>;

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

Result<void> ExportPoint(EVP_PKEY* key, std::span<uint8_t> point) {
  size_t size = 0;
  if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point.data(),
                                      point.size(), &size) != 1 ||
      size != point.size()) {
    return FailOpenssl("export a signing key");
  }
  return {};
}

/// OpenSSL takes numbers in the order of the machine, which is little-endian.
Result<Secret> Reverse(ByteView number) {
  Secret reversed = TRY(Secret::Create(number.size()));
  std::reverse_copy(number.begin(), number.end(), reversed.bytes().begin());
  return reversed;
}

EVP_PKEY* MakeKey(Secret& scalar, std::span<const uint8_t> point) {
  char group[] = "prime256v1";
  Bytes copy(point.begin(), point.end());
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
      OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, scalar.bytes().data(), scalar.size()),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy.data(), copy.size()),
      OSSL_PARAM_construct_end()};
  OpensslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(
      EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  bool made = context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1 &&
              EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters) == 1;
  return made ? key : nullptr;
}

/// OpenSSL takes halves of two keys for one, which would sign in vain.
bool IsPair(EVP_PKEY* key) {
  OpensslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return context != nullptr && EVP_PKEY_pairwise_check(context.get()) == 1;
}

}  // namespace

Result<SigningKey> SigningKey::Import(const Secret& exported) {
  InitOpenssl();
  if (exported.size() != kNumberSize + kPointSize) {
    return Fail(Errc::kBadKeyFile, "the signing key has the wrong size");
  }
  Secret scalar = TRY(Reverse(exported.bytes().first(kNumberSize)));
  Pkey key(MakeKey(scalar, exported.bytes().subspan(kNumberSize)));
  if (key == nullptr || !IsPair(key.get())) {
    ERR_clear_error();
    return Fail(Errc::kBadKeyFile, "the signing key is damaged");
  }
  return SigningKey(std::move(key));
}

Result<Secret> SigningKey::Export() const {
  Secret exported = TRY(Secret::Create(kNumberSize + kPointSize));
  BIGNUM* scalar = nullptr;
  if (EVP_PKEY_get_bn_param(key_.get(), OSSL_PKEY_PARAM_PRIV_KEY, &scalar) != 1) {
    return FailOpenssl("export a signing key");
  }
  Number owned(scalar);
  if (BN_bn2binpad(scalar, exported.bytes().data(), kNumberSize) != kNumberSize) {
    return FailOpenssl("export a signing key");
  }
  TRY(ExportPoint(key_.get(), exported.bytes().subspan(kNumberSize)));
  return exported;
}

Result<SigningKey> SigningKey::Generate() {
  InitOpenssl();
  Pkey key(EVP_EC_gen("P-256"));
  if (key == nullptr) return FailOpenssl("make a signing key");
  return SigningKey(std::move(key));
}

Result<NumberPair> SigningKey::PublicPoint() const {
  Bytes encoded(kPointSize);
  TRY(ExportPoint(key_.get(), encoded));
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
