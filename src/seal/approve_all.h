// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_SEAL_APPROVE_ALL_H_
#define NVUNLOCK_SEAL_APPROVE_ALL_H_

#include <optional>
#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/seal/approve.h"

namespace nvunlock {

struct KekApproval {
  KekName kek;
  Result<ApproveReport> report;
};

/// Approves CHANGE for every enrolled kek, or for the ONLY one. To learn, for those that `unlock`
/// has left; what is learnt is forgotten, and the update keys dropped unless KEEP_KEYS. Without an
/// enrolled kek it fails, unless CHANGE is for an update.
Result<std::vector<KekApproval>> ApproveAll(const Environment& environment,
                                            const std::optional<KekName>& only,
                                            const ApprovalChange& change,
                                            const Questions& questions, bool keep_keys);

/// Before files change that the PCRs measure: approves the next boot wherever that depends on such
/// files, without asking anybody. Without an enrolled kek it does nothing.
Result<void> ApproveUpdate(const Environment& environment);

/// What is approved for every enrolled kek, or for the ONLY one.
Result<std::vector<KekApproval>> ReadApprovals(const Environment& environment,
                                               const std::optional<KekName>& only);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_APPROVE_ALL_H_
