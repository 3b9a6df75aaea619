// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_NV_LATCH_H_
#define NVUNLOCK_TPM_NV_LATCH_H_

#include <tss2/tss2_esys.h>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/crypto/hash.h"
#include "tpm/nv_index.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// An NV index that the TPM stops reading when it is told to, until the next TPM Reset
/// (TPMA_NV_READ_STCLEAR). A policy that asserts its value holds while the latch is open. The value
/// is no secret, but nobody can ever write it again: that takes a key that was thrown away. Whoever
/// owns the TPM can undefine the index, and thereby close the latch for good. That is why the
/// policy index, whose key is kept, is no latch: made anew and written, it would be open.
struct NvLatch {
  TPM2B_NV_PUBLIC index = {};  ///< as written; its Name is in the policy
  Bytes value;
};

/// Defines and writes an index at the first free handle. PARENT is the pinned SRK. The owner
/// authorization must be empty.
Result<NvLatch> MakeNvLatch(Tpm& tpm, ESYS_TR parent);

enum class LatchState { kOpen, kClosed };

/// How the latch stands now. Fails with kLatchGone unless the TPM holds this very index.
Result<LatchState> ReadNvLatch(Tpm& tpm, const NvLatch& latch);

/// The policyDigest DIGEST after TPM2_PolicyNV (Part 3, section 23.9), computed without a TPM.
Sha256Digest ExtendDigest(const Sha256Digest& digest, const NvLatch& latch);

/// Our body of a PolicyNV element, since that of the draft lacks the Name: TPM2B_NV_PUBLIC, and
/// then the command's parameters, TPM2B_OPERAND, offset and operation.
Bytes EncodeNvLatch(const NvLatch& latch);
Result<NvLatch> DecodeNvLatch(ByteView body);

/// Runs TPM2_PolicyNV in SESSION. Fails with kLatchClosed when the latch is closed, and with
/// kLatchGone when the TPM has no such index.
Result<void> AssertNvLatch(Tpm& tpm, ESYS_TR session, const NvLatch& latch);

/// Closes the latch with TPM2_NV_ReadLock. The answer is authenticated by a session salted to
/// PARENT, so that nothing on the bus can pretend it. Where that fails the latch is told to close
/// all the same, and the failure returned. Closing a closed one succeeds; one that the TPM does not
/// have is a kLatchGone.
Result<void> CloseNvLatch(Tpm& tpm, ESYS_TR parent, const NvLatch& latch);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_NV_LATCH_H_
