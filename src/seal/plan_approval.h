// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_SEAL_PLAN_APPROVAL_H_
#define NVUNLOCK_SEAL_PLAN_APPROVAL_H_

#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/model/pcr_terms.h"
#include "src/seal/signed_pcrs.h"
#include "tpm/approval.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// What may boot, as somebody asks for it.
struct PolicyTerms {
  PcrTerms pcrs;  ///< none: those that ChoosePcrs chooses, or only signed ones
  std::optional<SignedTerms> signed_pcrs;
  bool weak_policy = false;
  unsigned next_boots = 0;  ///< how many resets of the TPM the next boots, whatever they are, have
};

/// The number of this boot, in an answer that is authentic. PARENT is the pinned SRK.
Result<BootNumber> NumberOfThisBoot(Tpm& tpm, ESYS_TR parent);

/// Which boots are the next COUNT ones, and that those PCRs of SELECTION which only a change of the
/// firmware or of Secure Boot's keys touches hold what they hold now. PARENT is the pinned SRK.
Result<Branch> PlanNextBoots(Tpm& tpm, ESYS_TR parent, const TPMS_PCR_SELECTION& selection,
                             unsigned count);

struct ApprovalPlan {
  Approval approval;
  std::vector<std::string> notes;
};

/// Makes an approval of TERMS. The PCRs of this boot are approved as `unlock` recorded them.
/// Refuses what ResolvePcrs refuses, and terms that approve no boot.
Result<ApprovalPlan> PlanApproval(const Environment& environment, Tpm& tpm, ESYS_TR parent,
                                  const PolicyTerms& terms);

/// "PCR 4+7+8+9:sha256 (d4634faaebce)", "boot 12, PCR 7:sha256 (3ea4dabd328a)": for people.
std::string Describe(const Branch& branch);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_PLAN_APPROVAL_H_
