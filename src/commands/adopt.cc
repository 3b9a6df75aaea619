// SPDX-License-Identifier: Apache-2.0
// Tested by test/qemu/recovery.bats.
#include "src/commands/commands.h"
#include "src/seal/boot_reseal.h"
#include "src/terminal/options.h"
#include "src/terminal/output.h"

namespace nvunlock {

Result<int> RunAdopt(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  TRY(ParseOptionsOnly(invocation, EnvironmentOptions(environment)));
  std::vector<Adoption> adoptions = TRY(AdoptResealed(environment));
  for (const Adoption& adoption : adoptions) {
    PrintAndLog(LogLevel::kInfo, "wrote " + adoption.key_file + ", policy " + adoption.policy +
                                     "; rebuild the initramfs image to include the key file");
  }
  return 0;
}

}  // namespace nvunlock
