#include "src/procedures/settle.h"

#include "src/commands/commands.h"
#include "src/commands/image_options.h"
#include "src/commands/options.h"
#include "src/commands/output.h"
#include "src/os/keyring.h"
#include "src/os/process.h"

namespace nvunlock {

int RunSettle(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  Result<void> parsed = ParseOptionsOnly(invocation, EnvironmentOptions(environment));
  if (!parsed) return Report(parsed.error());
  Result<void> joined = JoinSessionWith(Keyring(environment.keyring));
  if (!joined) return Report(joined.error());
  auto done = SettleBlobs(environment, HostName(), ImageRefreshFor(environment));
  if (!done) return Report(done.error());
  for (const std::string& line : *done) PrintAndLog(LogLevel::kInfo, line);
  return 0;
}

}  // namespace nvunlock
