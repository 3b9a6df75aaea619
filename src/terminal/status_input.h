// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/status.bats, test/cli/verify.bats.
#ifndef NVUNLOCK_TERMINAL_STATUS_INPUT_H_
#define NVUNLOCK_TERMINAL_STATUS_INPUT_H_

#include "src/base/result.h"
#include "src/status/status.h"
#include "src/status/verdict.h"
#include "src/terminal/invocation.h"

namespace nvunlock {

/// What `status` and `verify` work on.
struct StatusInput {
  bool as_json = false;
  MachineStatus status;
  BootVerdict verdict;
};

/// Parses the options that both have, and looks.
Result<StatusInput> ReadStatus(const Invocation& invocation, bool with_images);

/// One line that says whether the next boot will unlock.
std::string DescribeVerdict(const BootVerdict& verdict);

}  // namespace nvunlock

#endif  // NVUNLOCK_TERMINAL_STATUS_INPUT_H_
