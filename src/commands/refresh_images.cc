// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/check_image.bats.
#include <nlohmann/json.hpp>

#include "src/commands/commands.h"
#include "src/os/directory_lock.h"
#include "src/os/keyring.h"
#include "src/terminal/image_options.h"
#include "src/terminal/options.h"
#include "src/terminal/output.h"
#include "src/unlock/read_config.h"

namespace nvunlock {

Result<int> RunRefreshImages(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  bool as_json = false;
  std::vector<Option> options = EnvironmentOptions(environment);
  options.push_back(JsonOption(as_json));
  TRY(ParseOptionsOnly(invocation, options));
  ParsedConfig parsed = ReadConfig(environment);
  for (const std::string& complaint : parsed.complaints) PrintError(complaint);
  TRY(JoinSessionWith(Keyring(environment.keyring)));
  DirectoryLock lock = TRY(LockDirectory(environment.keys_dir));
  std::vector<std::string> paths = TRY(ImageRefreshFor(environment)());
  if (as_json) {
    PrintJson(paths);
    return 0;
  }
  for (const std::string& path : paths) Print(path + "\n");
  return 0;
}

}  // namespace nvunlock
