// SPDX-License-Identifier: Apache-2.0
#include "src/crypto/scrypt.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "src/base/wipe_stack.h"
#include "src/crypto/openssl.h"

namespace nvunlock {
namespace {

constexpr uint64_t kMemoryLimit = uint64_t{1} << 30;
/// OpenSSL counts some more than the 128 * N * r of the algorithm.
constexpr uint64_t kMemoryMargin = uint64_t{64} << 20;

using Params = OpensslPtr<SCRYPT_PARAMS, SCRYPT_PARAMS_free>;

bool FitsLimits(const ScryptParameters& parameters) {
  return parameters.cost > 1 && parameters.block_size > 0 && parameters.parallelization > 0 &&
         parameters.cost <= kMemoryLimit && parameters.block_size <= 64 &&
         parameters.parallelization <= 16 &&
         128 * parameters.cost * parameters.block_size <= kMemoryLimit;
}

Failure Malformed() {
  ERR_clear_error();
  return Fail(Errc::kBadKeyFile, "the parameters of its PIN are malformed");
}

bool Get(const ASN1_INTEGER* number, uint64_t& value) {
  return ASN1_INTEGER_get_uint64(&value, number) == 1;
}

}  // namespace

Result<Secret> Scrypt(const Secret& password, const ScryptParameters& parameters, size_t size) {
  StackWiper wiper;
  InitOpenssl();
  Secret key = TRY(Secret::Create(size));
  ByteView bytes = password.bytes();
  if (EVP_PBE_scrypt(reinterpret_cast<const char*>(bytes.data()), bytes.size(),
                     parameters.salt.data(), parameters.salt.size(), parameters.cost,
                     parameters.block_size, parameters.parallelization,
                     kMemoryLimit + kMemoryMargin, key.bytes().data(), key.size()) != 1) {
    return FailOpenssl("derive keys from the PIN");
  }
  return key;
}

Result<Bytes> EncodeScryptParameters(const ScryptParameters& parameters) {
  Params params(SCRYPT_PARAMS_new());
  if (params == nullptr ||
      ASN1_OCTET_STRING_set(params->salt, parameters.salt.data(),
                            static_cast<int>(parameters.salt.size())) != 1 ||
      ASN1_INTEGER_set_uint64(params->costParameter, parameters.cost) != 1 ||
      ASN1_INTEGER_set_uint64(params->blockSize, parameters.block_size) != 1 ||
      ASN1_INTEGER_set_uint64(params->parallelizationParameter, parameters.parallelization) != 1) {
    return FailOpenssl("encode the parameters of a PIN");
  }
  uint8_t* der = nullptr;
  int size = i2d_SCRYPT_PARAMS(params.get(), &der);
  if (size < 0) return FailOpenssl("encode the parameters of a PIN");
  Bytes bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

Result<ScryptParameters> DecodeScryptParameters(ByteView der) {
  const uint8_t* cursor = der.data();
  Params params(d2i_SCRYPT_PARAMS(nullptr, &cursor, static_cast<long>(der.size())));
  ScryptParameters parameters;
  if (params == nullptr || cursor != der.data() + der.size() ||
      !Get(params->costParameter, parameters.cost) ||
      !Get(params->blockSize, parameters.block_size) ||
      !Get(params->parallelizationParameter, parameters.parallelization) ||
      !FitsLimits(parameters)) {
    return Malformed();
  }
  const uint8_t* salt = ASN1_STRING_get0_data(params->salt);
  parameters.salt.assign(salt, salt + ASN1_STRING_length(params->salt));
  return parameters;
}

}  // namespace nvunlock
