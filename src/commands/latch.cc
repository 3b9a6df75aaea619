// SPDX-License-Identifier: Apache-2.0
#include "src/commands/commands.h"
#include "src/os/work_limit.h"
#include "src/terminal/options.h"
#include "src/terminal/output.h"
#include "src/unlock/latch_boot.h"
#include "src/unlock/read_config.h"

namespace nvunlock {
namespace {

/// What an initramfs does when --emergency fails.
constexpr char kNoShell[] =
    "there is no shell: the TPM may still release keys in this boot; power-cycle the machine. If "
    "its "
    "TPM is broken, first switch it off in the firmware's setup";

}  // namespace

Result<int> RunLatch(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  std::string tpm_device;
  LatchOptions latch;
  std::vector<Option> options = EnvironmentOptions(environment);
  options.push_back(
      {"tpm2-device", "DEVICE", "overrides tpm2-device= of nvunlock.conf", Store(tpm_device)});
  options.push_back({"emergency", nullptr, "also drop keys and hold the guard: a shell comes next",
                     Set(latch.emergency)});
  options.push_back({"after-unlock", nullptr, "the same, if the unlock before was cut short",
                     Set(latch.after_unlock)});
  unsigned work_limit = kWorkSeconds;
  options.push_back(WorkLimitOption(work_limit));
  TRY(ParseOptionsOnly(invocation, options));
  LimitWork(work_limit);
  Config config = ReadBootConfig(environment).config;
  environment.tpm_device = tpm_device.empty() ? config.tpm_device : tpm_device;
  int exit_code = ReportAll(LatchBoot(environment, config, latch));
  if (latch.emergency && exit_code != 0) PrintAndLog(LogLevel::kError, kNoShell);
  return exit_code;
}

}  // namespace nvunlock
