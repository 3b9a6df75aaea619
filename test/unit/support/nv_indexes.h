// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_NV_INDEXES_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_NV_INDEXES_H_

#include <stdexcept>
#include <vector>

#include "tpm/tpm.h"

namespace nvunlock {

/// The NV indexes that the TPM holds.
inline std::vector<TPM2_HANDLE> ListNvIndexes(Tpm& tpm) {
  TPMI_YES_NO more = 0;
  TPMS_CAPABILITY_DATA* capability = nullptr;
  TSS2_RC rc =
      Esys_GetCapability(tpm.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES,
                         TPM2_NV_INDEX_FIRST, TPM2_MAX_CAP_HANDLES, &more, &capability);
  if (rc != TSS2_RC_SUCCESS) throw std::runtime_error("cannot list NV indexes");
  EsysPtr<TPMS_CAPABILITY_DATA> owned(capability);
  const TPML_HANDLE& handles = capability->data.handles;
  return {handles.handle, handles.handle + handles.count};
}

/// How many these are.
inline size_t CountNvIndexes(Tpm& tpm) {
  return ListNvIndexes(tpm).size();
}

/// Takes an NV index out of the TPM, as its owner can.
inline void UndefineIndex(Tpm& tpm, TPM2_HANDLE handle) {
  ESYS_TR index = ESYS_TR_NONE;
  TSS2_RC rc =
      Esys_TR_FromTPMPublic(tpm.esys(), handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &index);
  if (rc == TSS2_RC_SUCCESS) {
    rc = Esys_NV_UndefineSpace(tpm.esys(), ESYS_TR_RH_OWNER, index, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                               ESYS_TR_NONE);
  }
  if (rc != TSS2_RC_SUCCESS) throw std::runtime_error("cannot remove an NV index");
}

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_NV_INDEXES_H_
