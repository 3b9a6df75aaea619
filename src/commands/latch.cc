#include "src/commands/commands.h"
#include "src/commands/options.h"
#include "src/commands/output.h"
#include "src/procedures/await_tpm.h"
#include "src/procedures/close_latches.h"
#include "src/procedures/drop_keys.h"
#include "src/procedures/guard.h"
#include "src/procedures/read_config.h"

namespace nvunlock {
namespace {

/// What a shell in the middle of a boot must not find. Where nothing is enrolled, there is nothing
/// to guard. Whatever fails, the rest is done.
Result<void> PrepareForShell(const Environment& environment) {
  Result<void> held = GuardIsClosed(environment) ? HoldGuard(environment) : Result<void>();
  Result<std::vector<KekName>> keks = KeyStore(environment.keys_dir).EnrolledKeks();
  if (keks && keks->empty()) return held;
  Result<void> dropped = DropKeys(environment);
  return held ? dropped : held;
}

/// Where nothing is enrolled nobody waits.
Result<void> AwaitTpmIfEnrolled(const Environment& environment) {
  if (TRY(KeyStore(environment.keys_dir).EnrolledKeks()).empty()) return {};
  return AwaitTpm(environment, ReadBootConfig(environment).config);
}

}  // namespace

int RunLatch(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  bool emergency = false;
  std::vector<Option> options = EnvironmentOptions(environment);
  options.push_back({"tpm2-device", "DEVICE", "auto, a device, or swtpm:path=SOCKET [auto]",
                     Store(environment.tpm_device)});
  options.push_back({"emergency", nullptr, "also drop keys and hold the guard: a shell comes next",
                     Set(emergency)});
  Result<void> parsed = ParseOptionsOnly(invocation, options);
  if (!parsed) return Report(parsed.error());
  TpmConnection tpm(environment.tpm_device);
  Result<void> awaited = AwaitTpmIfEnrolled(environment);
  int exit_code = awaited ? 0 : Report(awaited.error());
  for (const Error& problem : CloseAllLatches(environment, tpm)) exit_code = Report(problem);
  Result<void> prepared = emergency ? PrepareForShell(environment) : Result<void>();
  return prepared ? exit_code : Report(prepared.error());
}

}  // namespace nvunlock
