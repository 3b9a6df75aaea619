// SPDX-License-Identifier: Apache-2.0
#include "tpm/tpm.h"

#include "tpm/crypto_callbacks.h"
#include "tpm/rc.h"

namespace nvunlock {

Result<Tpm> Tpm::Connect(const std::string& device) {
  Tpm tpm(TRY(Tcti::Open(device)));
  ESYS_CONTEXT* esys = nullptr;
  TRY_TPM("start the TPM software stack", Esys_Initialize(&esys, tpm.tcti_->context(), nullptr));
  tpm.esys_.reset(esys);
  ESYS_CRYPTO_CALLBACKS callbacks = CryptoCallbacks();
  TRY_TPM("start the TPM software stack", Esys_SetCryptoCallbacks(esys, &callbacks));
  return tpm;
}

Result<Bytes> Tpm::GetRandom(size_t size, ESYS_TR session) {
  TPM2B_DIGEST* random = nullptr;
  TRY_TPM("get random bytes from the TPM",
          Esys_GetRandom(esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, static_cast<UINT16>(size),
                         &random));
  EsysPtr<TPM2B_DIGEST> owned(random);
  if (random->size != size) return Fail("get random bytes from the TPM: it returned too few");
  return Bytes(random->buffer, random->buffer + random->size);
}

TpmObject::~TpmObject() {
  if (tr_ != ESYS_TR_NONE) Esys_FlushContext(tpm_->esys(), tr_);
}

}  // namespace nvunlock
