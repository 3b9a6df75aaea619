// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/operations.bats.
#include "src/commands/commands.h"
#include "src/terminal/dimm_command.h"
#include "src/terminal/output.h"
#include "src/unlock/freeze.h"

namespace nvunlock {
namespace {

DimmReport FreezeAll(const DimmCommand& command, const std::vector<std::string>& nmems) {
  NdBus bus(command.environment.sysfs_root);
  StepListener show = ShowSteps(command);
  DimmReport report;
  for (const std::string& nmem : nmems) {
    DimmResult result = {.dimm = {.nmem = nmem}};
    if (command.dry_run) {
      result.planned = {"write \"freeze\" to its security"};
    } else if (Result<void> frozen = FreezeDimm(bus, nmem); !frozen) {
      result.problem = std::move(frozen.error());
    } else if (show) {
      show("step: " + nmem + " frozen");
    }
    result.dimm = InspectDimm(bus, nmem).value_or(result.dimm);
    report.dimms.push_back(std::move(result));
  }
  return report;
}

}  // namespace

Result<int> RunFreezeSecurity(const Invocation& invocation) {
  DimmCommand command;
  std::vector<std::string> nmems = TRY(ParseDimms(invocation, command, DimmOptions(command)));
  return PrintDimmReport(command, FreezeAll(command, nmems), "security froze");
}

}  // namespace nvunlock
