// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/tpm/nv_latch_test.cc.
#ifndef NVUNLOCK_TPM_NV_INDEX_H_
#define NVUNLOCK_TPM_NV_INDEX_H_

#include <tss2/tss2_esys.h>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "tpm/tpm.h"

namespace nvunlock {

Bytes MarshalArea(const TPMS_NV_PUBLIC& area);

/// The Name of an index whose name algorithm is SHA-256 (Part 1, section 16).
Bytes NameOfIndex(const TPM2B_NV_PUBLIC& index);

/// An ESYS handle for an index that is taken to have this public area; the TPM is not asked.
Result<ESYS_TR> PinIndex(Tpm& tpm, const TPM2B_NV_PUBLIC& index);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_NV_INDEX_H_
