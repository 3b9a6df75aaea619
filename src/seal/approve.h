// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_SEAL_APPROVE_H_
#define NVUNLOCK_SEAL_APPROVE_H_

#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/seal/change_approval.h"
#include "src/seal/kek_for_change.h"

namespace nvunlock {

struct ApproveReport {
  Approval approval;     ///< what is approved now
  bool written = false;  ///< else it was approved already
  std::vector<std::string> notes;
};

/// Changes what the policy index of KEK approves. Nothing is sealed anew, no key file changes, but
/// for the key of signed PCRs. The update key is the one that `unlock` left, else that of the kek,
/// which QUESTIONS may yield. An index that is gone is made anew. Locks the run directory, and for
/// signed PCRs the keys directory.
Result<ApproveReport> Approve(const Environment& environment, const KekName& kek,
                              const ApprovalChange& change, const Questions& questions);

/// What the policy index of SLOT holds, in an answer that is authentic; nullopt when the index is
/// gone, or holds nothing that this version knows.
Result<std::optional<Approval>> ReadApproval(Tpm& tpm, const TpmSlot& slot);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_APPROVE_H_
