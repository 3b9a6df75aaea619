#include "src/commands/commands.h"
#include "src/commands/options.h"
#include "src/commands/output.h"
#include "src/seal/boot_reseal.h"

namespace nvunlock {

int RunAdopt(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  Result<void> parsed = ParseOptionsOnly(invocation, EnvironmentOptions(environment));
  if (!parsed) return Report(parsed.error());
  Result<std::vector<Adoption>> adoptions = AdoptResealed(environment);
  if (!adoptions) return Report(adoptions.error());
  for (const Adoption& adoption : *adoptions) {
    PrintAndLog(LogLevel::kInfo,
                "wrote " + adoption.key_file + ", policy " + adoption.policy +
                    "; rebuild the initramfs image, so that it holds the key file");
  }
  return 0;
}

}  // namespace nvunlock
