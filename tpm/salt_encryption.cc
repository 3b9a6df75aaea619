// SPDX-License-Identifier: Apache-2.0
#include "tpm/salt_encryption.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <tss2/tss2_mu.h>

#include <cstring>

#include "src/base/bytes.h"
#include "src/crypto/openssl.h"

namespace nvunlock {
namespace {

using Pkey = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using PkeyContext = OpensslPtr<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using Number = OpensslPtr<BIGNUM, BN_free>;
using ParamBuilder = OpensslPtr<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Params = OpensslPtr<OSSL_PARAM, OSSL_PARAM_free>;

struct Curve {
  const char* group;
  size_t coordinate_size;
};

/// The curves of the storage root keys that we make or accept; group is nullptr for others.
Curve CurveOf(const TPM2B_PUBLIC& key) {
  switch (key.publicArea.parameters.eccDetail.curveID) {
    case TPM2_ECC_NIST_P256:
      return {"P-256", 32};
    case TPM2_ECC_NIST_P384:
      return {"P-384", 48};
    default:
      return {nullptr, 0};
  }
}

Pkey PublicKey(const char* type, const OSSL_PARAM* params) {
  PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY,
                        const_cast<OSSL_PARAM*>(params)) != 1) {
    return nullptr;
  }
  return Pkey(key);
}

Pkey RsaPublicKey(const TPM2B_PUBLIC& key) {
  const TPM2B_PUBLIC_KEY_RSA& modulus = key.publicArea.unique.rsa;
  UINT32 exponent = key.publicArea.parameters.rsaDetail.exponent;
  Number n(BN_bin2bn(modulus.buffer, modulus.size, nullptr));
  ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (n == nullptr || builder == nullptr ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_uint32(builder.get(), OSSL_PKEY_PARAM_RSA_E,
                                 exponent == 0 ? 65537 : exponent) != 1) {
    return nullptr;
  }
  Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  return PublicKey("RSA", params.get());
}

/// The uncompressed form of SEC 1: 4, x, y, each coordinate padded with zeros on the left.
Bytes EncodePoint(const TPMS_ECC_POINT& point, size_t coordinate_size) {
  if (point.x.size > coordinate_size || point.y.size > coordinate_size) return {};
  Bytes encoded(1 + 2 * coordinate_size);
  encoded[0] = 4;
  memcpy(&encoded[1 + coordinate_size - point.x.size], point.x.buffer, point.x.size);
  memcpy(&encoded[1 + 2 * coordinate_size - point.y.size], point.y.buffer, point.y.size);
  return encoded;
}

/// OpenSSL checks here that the point lies on the curve.
Pkey EccPublicKey(const TPM2B_PUBLIC& key, const Curve& curve) {
  Bytes point = EncodePoint(key.publicArea.unique.ecc, curve.coordinate_size);
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(curve.group),
                                       0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
      OSSL_PARAM_construct_end(),
  };
  return PublicKey("EC", params);
}

bool DeriveSharedX(EVP_PKEY* ours, EVP_PKEY* theirs, TPM2B_ECC_PARAMETER* z) {
  PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, ours, nullptr));
  size_t size = sizeof(z->buffer);
  if (context == nullptr || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), theirs) != 1 ||
      EVP_PKEY_derive(context.get(), z->buffer, &size) != 1) {
    return false;
  }
  z->size = static_cast<UINT16>(size);
  return true;
}

bool ExportPoint(EVP_PKEY* key, size_t coordinate_size, TPMS_ECC_POINT* point) {
  Bytes encoded(1 + 2 * coordinate_size);
  size_t size = 0;
  if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, encoded.data(),
                                      encoded.size(), &size) != 1 ||
      size != encoded.size() || encoded[0] != 4) {
    return false;
  }
  point->x.size = point->y.size = static_cast<UINT16>(coordinate_size);
  memcpy(point->x.buffer, &encoded[1], coordinate_size);
  memcpy(point->y.buffer, &encoded[1 + coordinate_size], coordinate_size);
  return true;
}

bool SetOaep(EVP_PKEY_CTX* context, const char* label) {
  // The terminating zero is part of the label (Part 1, B.4); OpenSSL takes the copy over.
  size_t label_size = strlen(label) + 1;
  void* label_copy = OPENSSL_memdup(label, label_size);
  if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
      EVP_PKEY_CTX_set_rsa_oaep_md(context, FetchDigest("SHA256")) == 1 &&
      EVP_PKEY_CTX_set0_rsa_oaep_label(context, label_copy, static_cast<int>(label_size)) == 1) {
    return true;
  }
  OPENSSL_free(label_copy);
  return false;
}

}  // namespace

TSS2_RC EncryptSaltWithRsa(TPM2B_PUBLIC* key, size_t in_size, BYTE* in, size_t capacity, BYTE* out,
                           size_t* out_size, const char* label, void* /*userdata*/) {
  const TPMT_PUBLIC& area = key->publicArea;
  if (area.nameAlg != TPM2_ALG_SHA256 || area.parameters.rsaDetail.scheme.scheme != TPM2_ALG_OAEP) {
    return TSS2_ESYS_RC_NOT_IMPLEMENTED;
  }
  Pkey pkey = RsaPublicKey(*key);
  PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey.get(), nullptr));
  *out_size = capacity;
  if (context == nullptr || EVP_PKEY_encrypt_init(context.get()) != 1 ||
      !SetOaep(context.get(), label) ||
      EVP_PKEY_encrypt(context.get(), out, out_size, in, in_size) != 1) {
    return TSS2_ESYS_RC_GENERAL_FAILURE;
  }
  return TSS2_RC_SUCCESS;
}

TSS2_RC AgreeOnSaltWithEcc(TPM2B_PUBLIC* key, size_t capacity, TPM2B_ECC_PARAMETER* z,
                           TPMS_ECC_POINT* q, BYTE* out, size_t* out_size, void* /*userdata*/) {
  Curve curve = CurveOf(*key);
  if (curve.group == nullptr) return TSS2_ESYS_RC_NOT_IMPLEMENTED;
  Pkey theirs = EccPublicKey(*key, curve);
  Pkey ours(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve.group));
  if (theirs == nullptr || ours == nullptr || !DeriveSharedX(ours.get(), theirs.get(), z) ||
      !ExportPoint(ours.get(), curve.coordinate_size, q)) {
    return TSS2_ESYS_RC_GENERAL_FAILURE;
  }
  size_t offset = 0;
  TSS2_RC rc = Tss2_MU_TPMS_ECC_POINT_Marshal(q, out, capacity, &offset);
  *out_size = offset;
  return rc;
}

}  // namespace nvunlock
