// SPDX-License-Identifier: Apache-2.0
#include "src/crypto/rsa_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <algorithm>

#include "src/crypto/openssl.h"

namespace nvunlock {
namespace {

using Pkey = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using Number = OpensslPtr<BIGNUM, BN_free>;

constexpr char kReadKey[] = "read the public key";

Failure NotUsable(const char* reason) {
  ERR_clear_error();
  return Fail(std::string(kReadKey) + ": " + reason);
}

Result<Pkey> ImportKey(const RsaKey& key) {
  InitOpenssl();
  Number modulus(BN_bin2bn(key.modulus.data(), static_cast<int>(key.modulus.size()), nullptr));
  OpensslPtr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
  if (modulus == nullptr || builder == nullptr ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_uint32(builder.get(), OSSL_PKEY_PARAM_RSA_E, key.exponent) != 1) {
    return FailOpenssl(kReadKey);
  }
  OpensslPtr<OSSL_PARAM, OSSL_PARAM_free> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  OpensslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(
      EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* imported = nullptr;
  if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &imported, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return FailOpenssl(kReadKey);
  }
  return Pkey(imported);
}

Result<Number> GetNumber(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return FailOpenssl(kReadKey);
  return Number(number);
}

Result<RsaKey> ExportKey(const EVP_PKEY* pkey) {
  Number modulus = TRY(GetNumber(pkey, OSSL_PKEY_PARAM_RSA_N));
  Number exponent = TRY(GetNumber(pkey, OSSL_PKEY_PARAM_RSA_E));
  int bits = BN_num_bits(modulus.get());
  if (bits != 2048 && bits != 3072 && bits != 4096) {
    return NotUsable("TPMs support only RSA keys of 2048, 3072 and 4096 bits");
  }
  if (BN_num_bits(exponent.get()) > 32) return NotUsable("its exponent is too large for a TPM");
  RsaKey key;
  key.modulus.resize(static_cast<size_t>(BN_num_bytes(modulus.get())));
  BN_bn2bin(modulus.get(), key.modulus.data());
  key.exponent = static_cast<uint32_t>(BN_get_word(exponent.get()));
  return key;
}

}  // namespace

Result<RsaKey> ParseRsaKey(std::string_view pem) {
  InitOpenssl();
  OpensslPtr<BIO, BIO_free_all> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Pkey key(bio == nullptr ? nullptr : PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (key == nullptr) return NotUsable("not a PUBLIC KEY block in PEM");
  if (EVP_PKEY_is_a(key.get(), "RSA") != 1) {
    return NotUsable("not an RSA key, which PCR signatures need");
  }
  return ExportKey(key.get());
}

Result<Bytes> EncodeRsaKey(const RsaKey& key) {
  Pkey imported = TRY(ImportKey(key));
  uint8_t* der = nullptr;
  int size = i2d_PUBKEY(imported.get(), &der);
  if (size < 0) return FailOpenssl(kReadKey);
  Bytes bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

Result<Sha256Digest> FingerprintOf(const RsaKey& key) {
  return Sha256({TRY(EncodeRsaKey(key))});
}

bool VerifySignature(const RsaKey& key, ByteView message, ByteView signature) {
  Result<Pkey> imported = ImportKey(key);
  OpensslPtr<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  bool good = imported && context != nullptr &&
              EVP_DigestVerifyInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr,
                                      imported->get(), nullptr) == 1 &&
              EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                               message.size()) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace nvunlock
