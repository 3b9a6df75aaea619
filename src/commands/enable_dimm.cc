// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/operations.bats.
#include "src/passphrase/enable_dimm.h"

#include "src/commands/commands.h"
#include "src/terminal/dimm_command.h"
#include "src/terminal/output.h"

namespace nvunlock {
namespace {

using Procedure = DimmReport (*)(const Environment& environment,
                                 const std::vector<std::string>& nmems,
                                 const EnableOptions& options);

Result<int> RunOnDimms(const Invocation& invocation, Procedure procedure, const char* words) {
  DimmCommand command;
  std::vector<std::string> nmems = TRY(ParseDimms(invocation, command, DimmOptions(command)));
  EnableOptions options = {.dry_run = command.dry_run, .on_step = ShowSteps(command)};
  return PrintDimmReport(command, procedure(command.environment, nmems, options), words);
}

}  // namespace

Result<int> RunEnableDimm(const Invocation& invocation) {
  return RunOnDimms(invocation, EnableDimms, "enabled");
}

Result<int> RunDisableDimm(const Invocation& invocation) {
  return RunOnDimms(invocation, DisableDimms, "disabled");
}

}  // namespace nvunlock
