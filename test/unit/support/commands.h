// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_COMMANDS_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_COMMANDS_H_

#include <string>

namespace nvunlock {

/// What a command of the shell did.
struct CommandOutcome {
  int status = 0;
  std::string output;  ///< of stdout and stderr
};

CommandOutcome TryCommand(const std::string& command);

/// The output of a command that must succeed, else the test fails with it.
std::string RunCommand(const std::string& command);

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_COMMANDS_H_
