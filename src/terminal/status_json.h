// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/check_image.bats, test/cli/status.bats.
#ifndef NVUNLOCK_TERMINAL_STATUS_JSON_H_
#define NVUNLOCK_TERMINAL_STATUS_JSON_H_

#include <string>

#include "src/status/status.h"
#include "src/status/verdict.h"

namespace nvunlock {

/// What `verify --json` prints.
std::string FormatVerdict(const BootVerdict& verdict);

/// What `status --json` prints: the same, and all status.
std::string FormatStatus(const MachineStatus& status, const BootVerdict& verdict);

/// What `check-image --json` prints.
std::string FormatImageChecks(const std::vector<ImageCheck>& checks);

}  // namespace nvunlock

#endif  // NVUNLOCK_TERMINAL_STATUS_JSON_H_
