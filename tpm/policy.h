// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_POLICY_H_
#define NVUNLOCK_TPM_POLICY_H_

#include <optional>

#include "tpm/nv_latch.h"
#include "tpm/pcr_policy.h"
#include "tpm/signed_policy.h"

namespace nvunlock {

/// What must hold for a sealed object to open: each part that is there, asserted in this order.
struct Policy {
  std::optional<SignedPolicy> signed_pcrs = std::nullopt;
  std::optional<PcrPolicy> pcrs = std::nullopt;
  std::optional<NvLatch> latch = std::nullopt;
  bool pin = false;  ///< the object's authorization value must be known (TPM2_PolicyAuthValue)
};

/// The policyDigest of an object that only this policy opens, computed without a TPM.
Sha256Digest PolicyDigest(const Policy& policy);

/// Asserts all of POLICY in SESSION, which must be new: one TPM command for each part, and five for
/// signed PCRs. Fails with kNoSignature, kPolicyMismatch or kLatchClosed when a part does not hold.
Result<void> AssertPolicy(Tpm& tpm, ESYS_TR session, const Policy& policy);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_POLICY_H_
