// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/model/enc32_test.cc.
#ifndef NVUNLOCK_CRYPTO_AES_H_
#define NVUNLOCK_CRYPTO_AES_H_

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/base/secret.h"

namespace nvunlock {

/// PLAINTEXT, whole blocks of 16 bytes, encrypted by AES-256-CBC without padding under a KEY of 32
/// bytes and an IV of 16.
Result<Bytes> EncryptAesCbc(const Secret& plaintext, ByteView key, ByteView iv);

}  // namespace nvunlock

#endif  // NVUNLOCK_CRYPTO_AES_H_
