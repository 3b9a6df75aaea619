// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/unlock.bats.
#ifndef NVUNLOCK_TERMINAL_UNLOCK_STATUS_H_
#define NVUNLOCK_TERMINAL_UNLOCK_STATUS_H_

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/unlock/unlock.h"

namespace nvunlock {

/// One line for each DIMM, problem and note, on stderr and in the kernel log.
void PrintUnlockReport(const UnlockReport& report);

/// Leaves the report in the run directory as status.json, for root only.
Result<void> WriteUnlockStatus(const Environment& environment, const UnlockReport& report,
                               int exit_code);

}  // namespace nvunlock

#endif  // NVUNLOCK_TERMINAL_UNLOCK_STATUS_H_
