// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_CRYPTO_CALLBACKS_H_
#define NVUNLOCK_TPM_CRYPTO_CALLBACKS_H_

#include <tss2/tss2_esys.h>

namespace nvunlock {

/// What ESYS computes with: OpenSSL's algorithms, each fetched once a process. (tpm2-tss's own
/// OpenSSL backend makes a new library context for each hash and reads openssl.cnf.) Covers what
/// our sessions need: SHA-1/256/384/512, AES-CFB, P-256 and P-384, RSA-OAEP.
ESYS_CRYPTO_CALLBACKS CryptoCallbacks();

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_CRYPTO_CALLBACKS_H_
