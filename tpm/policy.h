// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_POLICY_H_
#define NVUNLOCK_TPM_POLICY_H_

#include "tpm/approval.h"
#include "tpm/nv_latch.h"
#include "tpm/policy_index.h"

namespace nvunlock {

/// What must hold for a sealed object to open: what its policy index approves, its latch is open,
/// and where there is a PIN, its authorization value is known (TPM2_PolicyAuthValue).
struct Policy {
  PolicyIndex index;
  NvLatch latch;
  bool pin = false;
};

/// The policyDigest of an object that only this policy opens, computed without a TPM.
Sha256Digest PolicyDigest(const Policy& policy);

/// By which branch of what approval a policy held.
struct AssertedBranch {
  Approval approval;
  size_t branch = 0;
};

/// Asserts all of POLICY in SESSION, which must be new: reads the index, and then a TPM command for
/// each part of the branch that holds, one for alternatives, one each for index, latch and PIN.
/// Fails with kNoSignature, kPolicyMismatch, kLatchClosed or kLatchGone.
Result<AssertedBranch> AssertPolicy(Tpm& tpm, ESYS_TR session, const Policy& policy,
                                    const PcrSignatures& signatures);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_POLICY_H_
