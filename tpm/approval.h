// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_APPROVAL_H_
#define NVUNLOCK_TPM_APPROVAL_H_

#include <tss2/tss2_esys.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "tpm/boot_limit.h"
#include "tpm/pcr_policy.h"
#include "tpm/signed_policy.h"

namespace nvunlock {

/// One kind of boot that is approved: all parts that are there hold, asserted in this order.
struct Branch {
  std::optional<SignedPolicy> signed_pcrs = std::nullopt;
  std::optional<BootLimit> boots = std::nullopt;
  std::optional<PcrPolicy> pcrs = std::nullopt;
};

/// As many as TPM2_PolicyOR takes.
inline constexpr size_t kMostBranches = 8;

/// What may boot next: any of its branches. A policy index holds it.
struct Approval {
  TPMS_PCR_SELECTION pcrs = {};  ///< which PCRs are approved when a boot is learnt
  std::vector<Branch> branches;
};

/// The policyDigest of one branch, and that of all, computed without a TPM.
Sha256Digest DigestOf(const Branch& branch);
Sha256Digest DigestOf(const Approval& approval);

/// What goes into a policy index (doc/key-file.md): the digest as TPMT_HA, and what makes it up.
/// Fails when there is no branch, or more than it holds.
Result<Bytes> EncodeApproval(const Approval& approval);

/// Reads what a policy index holds as hostile input: fails with kBadKeyFile unless the branches are
/// those of the digest.
Result<Approval> DecodeApproval(ByteView contents);

/// Asserts APPROVAL in SESSION, which must be new, by the first of its branches that holds. Returns
/// that one's number. A branch that does not hold costs two or three TPM commands. Fails with
/// kNoSignature or kPolicyMismatch, and says which PCRs differ.
Result<size_t> AssertApproval(Tpm& tpm, ESYS_TR session, const Approval& approval,
                              const PcrSignatures& signatures);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_APPROVAL_H_
