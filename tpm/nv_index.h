// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/tpm/nv_latch_test.cc.
#ifndef NVUNLOCK_TPM_NV_INDEX_H_
#define NVUNLOCK_TPM_NV_INDEX_H_

#include <tss2/tss2_esys.h>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/crypto/hash.h"
#include "tpm/tpm.h"
#include "tpm/update_key.h"

namespace nvunlock {

Bytes MarshalArea(const TPMS_NV_PUBLIC& area);

/// The Name of an index whose name algorithm is SHA-256 (Part 1, section 16).
Bytes NameOfIndex(const TPM2B_NV_PUBLIC& index);

/// An ESYS handle for an index that is taken to have this public area; the TPM is not asked.
Result<ESYS_TR> PinIndex(Tpm& tpm, const TPM2B_NV_PUBLIC& index);

/// The public area of the index that the TPM has in the place of INDEX, as the TPM says, which may
/// be a lie. Fails with kLatchGone when there is none.
Result<TPMS_NV_PUBLIC> ReadArea(Tpm& tpm, const TPM2B_NV_PUBLIC& index);

/// Fails with kLatchGone unless the TPM holds INDEX, written or not, locked or not.
Result<void> CheckIndex(Tpm& tpm, const TPM2B_NV_PUBLIC& index);

/// Defines an index of SIZE bytes that anybody may read and only KEY writes, with ATTRIBUTES more,
/// at the first free handle. Returns what it will be once it is written. The owner authorization
/// must be empty. Fails with kUnsupported when the TPM has no room for it.
Result<TPM2B_NV_PUBLIC> DefineIndex(Tpm& tpm, const UpdateKey& key, uint16_t size,
                                    TPMA_NV attributes);

/// Makes INDEX anew, as DefineIndex had made it.
Result<void> RedefineIndex(Tpm& tpm, const TPM2B_NV_PUBLIC& index);

/// Fills INDEX, which holds CONTENTS and zeros then. PARENT is the pinned SRK: the TPM's answer is
/// authentic. Fails as CheckIndex does.
Result<void> WriteIndex(Tpm& tpm, ESYS_TR parent, const TPM2B_NV_PUBLIC& index,
                        const UpdateKey& key, ByteView contents);

/// Undefines INDEX. The owner authorization must be empty. Fails as CheckIndex does.
Result<void> RemoveIndex(Tpm& tpm, const TPM2B_NV_PUBLIC& index);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_NV_INDEX_H_
