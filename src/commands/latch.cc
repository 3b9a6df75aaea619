#include "src/seal/latch.h"

#include "src/commands/commands.h"
#include "src/commands/options.h"
#include "src/commands/output.h"
#include "src/os/file.h"
#include "src/unlock/await_tpm.h"
#include "src/unlock/drop_keys.h"
#include "src/unlock/guard.h"
#include "src/unlock/hold_resume.h"
#include "src/unlock/read_config.h"

namespace nvunlock {
namespace {

/// What an initramfs does when --emergency fails.
constexpr char kNoShell[] =
    "there is no shell, since keys may still be had in this boot: power-cycle the machine; if its "
    "TPM is broken, first switch it off in the firmware's setup";

template <typename T>
void Append(Result<T> result, std::vector<Error>& problems) {
  if (!result) problems.push_back(std::move(result.error()));
}

/// An unlock leaves its report last. One that was killed before may have left keys.
bool UnlockWasCutShort(const Environment& environment) {
  return !Exists(environment.run_dir + "/status.json");
}

/// Where nothing is enrolled nobody waits.
Result<void> AwaitTpmIfEnrolled(const Environment& environment, const Config& config) {
  Result<std::vector<KekName>> keks = KeyStore(environment.keys_dir).EnrolledKeks();
  if (!keks || keks->empty()) return {};
  return AwaitTpm(environment, config);
}

/// The TPM is free for others afterwards. Machines without one have emergencies, too.
std::vector<Error> Latch(const Environment& environment, const Config& config, bool emergency) {
  TpmConnection tpm(environment.tpm_device);
  Result<void> awaited = AwaitTpmIfEnrolled(environment, config);
  std::vector<Error> problems =
      emergency ? CloseLatchesAtBoot(environment, tpm) : CloseAllLatches(environment, tpm);
  if (!awaited) problems.insert(problems.begin(), std::move(awaited.error()));
  return problems;
}

/// What a shell in the middle of a boot must not find. Where nothing is enrolled, there is nothing
/// to guard. Whatever fails, the rest is done.
void PrepareForShell(const Environment& environment, std::vector<Error>& problems) {
  if (GuardIsClosed(environment)) Append(HoldGuard(environment), problems);
  Result<std::vector<KekName>> keks = KeyStore(environment.keys_dir).EnrolledKeks();
  if (!keks || !keks->empty()) Append(DropKeys(environment), problems);
}

}  // namespace

int RunLatch(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  std::string tpm_device;
  bool emergency = false;
  bool after_unlock = false;
  std::vector<Option> options = EnvironmentOptions(environment);
  options.push_back(
      {"tpm2-device", "DEVICE", "overrides tpm2-device= of nvunlock.conf", Store(tpm_device)});
  options.push_back({"emergency", nullptr, "also drop keys and hold the guard: a shell comes next",
                     Set(emergency)});
  options.push_back(
      {"after-unlock", nullptr, "the same, if the unlock before was cut short", Set(after_unlock)});
  options.push_back(WorkLimitOption());
  Result<void> parsed = ParseOptionsOnly(invocation, options);
  if (!parsed) return Report(parsed.error());
  Config config = ReadBootConfig(environment).config;
  environment.tpm_device = tpm_device.empty() ? config.tpm_device : tpm_device;
  std::vector<Error> problems = Latch(environment, config, emergency);
  bool cut_short = after_unlock && UnlockWasCutShort(environment);
  if (cut_short) Append(HoldResume(environment), problems);
  if (emergency || cut_short) PrepareForShell(environment, problems);
  int exit_code = ReportAll(problems);
  if (emergency && exit_code != 0) PrintAndLog(LogLevel::kError, kNoShell);
  return exit_code;
}

}  // namespace nvunlock
