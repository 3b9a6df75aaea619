// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/tpm/pin_parent_test.cc.
#ifndef NVUNLOCK_TPM_SALT_ENCRYPTION_H_
#define NVUNLOCK_TPM_SALT_ENCRYPTION_H_

#include <tss2/tss2_esys.h>

namespace nvunlock {

/// ESYS_CRYPTO_PK_RSA_ENCRYPT_FNP for RSA-OAEP with the key's name hash (Part 1, B.10.2).
TSS2_RC EncryptSaltWithRsa(TPM2B_PUBLIC* key, size_t in_size, BYTE* in, size_t capacity, BYTE* out,
                           size_t* out_size, const char* label, void* userdata);

/// ESYS_CRYPTO_GET_ECDH_POINT_FNP for P-256 and P-384: Z is the shared x coordinate (Part 1,
/// C.6.1), Q the ephemeral public point, also marshalled into OUT.
TSS2_RC AgreeOnSaltWithEcc(TPM2B_PUBLIC* key, size_t capacity, TPM2B_ECC_PARAMETER* z,
                           TPMS_ECC_POINT* q, BYTE* out, size_t* out_size, void* userdata);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_SALT_ENCRYPTION_H_
