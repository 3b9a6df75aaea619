// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_SEAL_CHANGE_APPROVAL_H_
#define NVUNLOCK_SEAL_CHANGE_APPROVAL_H_

#include <optional>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/seal/plan_approval.h"

namespace nvunlock {

/// How what is approved shall change. Each part that is there is added to what is approved.
struct ApprovalChange {
  bool only_now = false;    ///< drop all, and approve this boot's PCRs, or the signed ones given
  bool learn = false;       ///< the same, but keep the PCRs that were approved last
  bool revoke = false;      ///< drop next boots that were approved
  bool for_update = false;  ///< change nothing unless what is approved depends on boot files
  unsigned next_boots = 0;  ///< see PolicyTerms
  std::optional<PcrTerms> pcrs;  ///< nullopt: those of what is approved
  std::optional<SignedTerms> signed_pcrs;
  bool weak_policy = false;
};

/// Whether boot loader, kernel, initramfs or command line change what APPROVAL asserts.
bool DependsOnBootFiles(const Approval& approval);

/// What BASE becomes by CHANGE. PARENT is the pinned SRK. Fails with kUsage when no boot would be
/// approved any more.
Result<ApprovalPlan> ChangeApproval(const Environment& environment, Tpm& tpm, ESYS_TR parent,
                                    const Approval& base, const ApprovalChange& change);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_CHANGE_APPROVAL_H_
