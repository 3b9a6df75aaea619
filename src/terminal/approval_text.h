// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/approve.bats.
#ifndef NVUNLOCK_TERMINAL_APPROVAL_TEXT_H_
#define NVUNLOCK_TERMINAL_APPROVAL_TEXT_H_

#include <nlohmann/json_fwd.hpp>

#include "tpm/approval.h"

namespace nvunlock {

/// Prints what may boot, a line for each branch.
void PrintApproval(const Approval& approval);

/// The same for programs.
nlohmann::ordered_json ToJson(const Approval& approval);

}  // namespace nvunlock

#endif  // NVUNLOCK_TERMINAL_APPROVAL_TEXT_H_
