// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_CRYPTO_SCRYPT_H_
#define NVUNLOCK_CRYPTO_SCRYPT_H_

#include <cstdint>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/base/secret.h"

namespace nvunlock {

/// scrypt-params of RFC 7914. The defaults take 128 MiB and about half a second.
struct ScryptParameters {
  Bytes salt;
  uint64_t cost = 1 << 17;
  uint64_t block_size = 8;
  uint64_t parallelization = 1;
};

/// SIZE bytes derived from PASSWORD (RFC 7914).
Result<Secret> Scrypt(const Secret& password, const ScryptParameters& parameters, size_t size);

/// DER of scrypt-params.
Result<Bytes> EncodeScryptParameters(const ScryptParameters& parameters);

/// Fails with kBadKeyFile on anything else, and on parameters that would take more than 1 GiB.
Result<ScryptParameters> DecodeScryptParameters(ByteView der);

}  // namespace nvunlock

#endif  // NVUNLOCK_CRYPTO_SCRYPT_H_
