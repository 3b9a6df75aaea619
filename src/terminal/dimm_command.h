// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/operations.bats.
#ifndef NVUNLOCK_TERMINAL_DIMM_COMMAND_H_
#define NVUNLOCK_TERMINAL_DIMM_COMMAND_H_

#include <string>
#include <vector>

#include "src/passphrase/dimm_result.h"
#include "src/terminal/dimm_arguments.h"
#include "src/terminal/options.h"

namespace nvunlock {

/// What the commands that change DIMMs have in common.
struct DimmCommand {
  Environment environment = EnvironmentBelow("");
  DimmFilter filter;
  bool names_only = false;  ///< a bare number, which ndctl does not take, is refused
  bool verbose = false;
  bool as_json = false;
  bool dry_run = false;
};

/// Their options. COMMAND must outlive them.
std::vector<Option> DimmOptions(DimmCommand& command);

/// Parses OPTIONS, joins a session in which the kernel finds the keyring's keys, and returns the
/// DIMMs that are named.
Result<std::vector<std::string>> ParseDimms(const Invocation& invocation,
                                            const DimmCommand& command,
                                            const std::vector<Option>& options);

/// Shows the steps: each on a line when verbose, or the latest one on a terminal.
StepListener ShowSteps(const DimmCommand& command);

/// Says what became of the DIMMs: on stderr as ndctl does, "WORDS 2 nmems.", and with --json on
/// stdout. Returns the exit code, which is not 0 when anything failed.
int PrintDimmReport(const DimmCommand& command, const DimmReport& report, const std::string& words);

}  // namespace nvunlock

#endif  // NVUNLOCK_TERMINAL_DIMM_COMMAND_H_
