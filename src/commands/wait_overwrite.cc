// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/operations.bats.
#include "src/passphrase/wait_overwrite.h"

#include "src/base/text.h"
#include "src/commands/commands.h"
#include "src/terminal/dimm_command.h"
#include "src/terminal/output.h"

namespace nvunlock {
namespace {

std::string DescribeTime(unsigned seconds) {
  char text[32];
  snprintf(text, sizeof(text), "%u:%02u:%02u", seconds / 3600, seconds / 60 % 60, seconds % 60);
  return text;
}

/// Whether an overwrite has removed the passphrase is the DIMM's choice.
std::string DescribeEnd(const Dimm& after) {
  return after.security == SecurityState::kDisabled
             ? "no overwrite is running; it has no passphrase"
             : std::string("no overwrite is running; its security is ") + ToWord(after.security);
}

Result<DimmReport> Run(const Invocation& invocation, DimmCommand& command) {
  WaitOptions wait;
  std::vector<Option> options = DimmOptions(command);
  options.push_back({"timeout", "SECONDS", "give up waiting after this time [never]",
                     [&](std::string_view value) -> Result<void> {
                       std::optional<unsigned> seconds = ParseUnsigned(value);
                       if (!seconds)
                         return Fail(Errc::kUsage, "--timeout takes a number of seconds");
                       wait.timeout_seconds = *seconds;
                       return {};
                     }});
  std::vector<std::string> nmems = TRY(ParseDimms(invocation, command, options));
  if (ErrorsGoToTerminal()) {
    wait.on_waiting = [](const std::string& nmem, unsigned seconds) {
      PrintProgress(nmem + ": overwriting for " + DescribeTime(seconds));
    };
  }
  wait.on_end = [&](const std::string& nmem, const Dimm& after) {
    EndProgress();
    if (command.verbose) PrintError(nmem + ": " + DescribeEnd(after));
  };
  return WaitForOverwrites(command.environment, nmems, wait);
}

}  // namespace

Result<int> RunWaitOverwrite(const Invocation& invocation) {
  DimmCommand command;
  DimmReport report = TRY(Run(invocation, command));
  return PrintDimmReport(command, report, "no overwrite is running on");
}

}  // namespace nvunlock
