// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_NV_INDEXES_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_NV_INDEXES_H_

#include <stdexcept>

#include "tpm/tpm.h"

namespace nvunlock {

/// How many NV indexes the TPM holds.
inline unsigned CountNvIndexes(Tpm& tpm) {
  TPMI_YES_NO more = 0;
  TPMS_CAPABILITY_DATA* capability = nullptr;
  TSS2_RC rc =
      Esys_GetCapability(tpm.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES,
                         TPM2_NV_INDEX_FIRST, TPM2_MAX_CAP_HANDLES, &more, &capability);
  if (rc != TSS2_RC_SUCCESS) throw std::runtime_error("cannot list NV indexes");
  EsysPtr<TPMS_CAPABILITY_DATA> owned(capability);
  return capability->data.handles.count;
}

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_NV_INDEXES_H_
