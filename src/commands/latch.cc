#include "src/commands/commands.h"
#include "src/commands/options.h"
#include "src/commands/output.h"
#include "src/procedures/boot_reseal.h"
#include "src/procedures/close_latches.h"

namespace nvunlock {

int RunLatch(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  std::vector<Option> options = EnvironmentOptions(environment);
  options.push_back({"tpm2-device", "DEVICE", "auto, a device, or swtpm:path=SOCKET [auto]",
                     Store(environment.tpm_device)});
  Result<void> parsed = ParseOptionsOnly(invocation, options);
  if (!parsed) return Report(parsed.error());
  TpmConnection tpm(environment.tpm_device);
  int exit_code = 0;
  for (const std::string& directory : {environment.keys_dir, WaitingPlace(environment)}) {
    for (const Error& problem : CloseLatches(KeyStore(directory), tpm)) {
      exit_code = Report(problem);
    }
  }
  return exit_code;
}

}  // namespace nvunlock
