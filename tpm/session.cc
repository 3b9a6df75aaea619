// SPDX-License-Identifier: Apache-2.0
#include "tpm/session.h"

#include "tpm/rc.h"

namespace nvunlock {

Result<TpmObject> StartSession(Tpm& tpm, ESYS_TR parent, TPM2_SE type, TPMA_SESSION attributes) {
  TPMT_SYM_DEF aes = {.algorithm = TPM2_ALG_AES, .keyBits = {.aes = 128}, .mode = {}};
  aes.mode.aes = TPM2_ALG_CFB;
  ESYS_TR session = ESYS_TR_NONE;
  TRY_TPM("start a TPM session",
          Esys_StartAuthSession(tpm.esys(), parent, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                ESYS_TR_NONE, nullptr, type, &aes, TPM2_ALG_SHA256, &session));
  TpmObject owned(tpm, session);
  TRY_TPM("set up a TPM session",
          Esys_TRSess_SetAttributes(tpm.esys(), session, attributes | TPMA_SESSION_CONTINUESESSION,
                                    0xff));
  return owned;
}

Result<TpmObject> StartHmacSession(Tpm& tpm, ESYS_TR parent) {
  return StartSession(tpm, parent, TPM2_SE_HMAC, TPMA_SESSION_ENCRYPT | TPMA_SESSION_DECRYPT);
}

Result<TpmObject> StartPolicySession(Tpm& tpm, ESYS_TR parent) {
  return StartSession(tpm, parent, TPM2_SE_POLICY, TPMA_SESSION_ENCRYPT);
}

}  // namespace nvunlock
