// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/operation_keks.bats.
#include <nlohmann/json.hpp>

#include "src/commands/commands.h"
#include "src/os/keyring.h"
#include "src/passphrase/finish_changes.h"
#include "src/terminal/image_options.h"
#include "src/terminal/options.h"
#include "src/terminal/output.h"

namespace nvunlock {

Result<int> RunSettle(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  bool as_json = false;
  std::vector<Option> options = EnvironmentOptions(environment);
  options.push_back(JsonOption(as_json));
  TRY(ParseOptionsOnly(invocation, options));
  TRY(JoinSessionWith(Keyring(environment.keyring)));
  std::vector<std::string> done = TRY(FinishChanges(environment, ImageRefreshFor(environment)));
  for (const std::string& line : done) PrintAndLog(LogLevel::kInfo, line);
  if (as_json) PrintJson(done);
  return 0;
}

}  // namespace nvunlock
