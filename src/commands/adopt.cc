#include "src/commands/commands.h"
#include "src/commands/options.h"
#include "src/commands/output.h"
#include "src/seal/boot_reseal.h"

namespace nvunlock {

Result<int> RunAdopt(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  TRY(ParseOptionsOnly(invocation, EnvironmentOptions(environment)));
  std::vector<Adoption> adoptions = TRY(AdoptResealed(environment));
  for (const Adoption& adoption : adoptions) {
    PrintAndLog(LogLevel::kInfo,
                "wrote " + adoption.key_file + ", policy " + adoption.policy +
                    "; rebuild the initramfs image, so that it holds the key file");
  }
  return 0;
}

}  // namespace nvunlock
