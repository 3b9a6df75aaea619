// SPDX-License-Identifier: Apache-2.0
#include "src/commands/commands.h"
#include "src/os/power.h"
#include "src/os/prompt.h"
#include "src/os/work_limit.h"
#include "src/terminal/enroll_options.h"
#include "src/terminal/options.h"
#include "src/terminal/output.h"
#include "src/terminal/questions.h"
#include "src/terminal/unlock_status.h"
#include "src/unlock/this_boot.h"

namespace nvunlock {
namespace {

/// The time that people take does not count as work.
Result<Secret> Ask(unsigned timeout_seconds, std::string text) {
  WorkPause pause;
  return AskSecretAtBoot({.text = std::move(text), .timeout_seconds = timeout_seconds});
}

BootQuestions QuestionsAtConsole(const Config& config) {
  unsigned timeout = config.recovery_timeout;
  return {
      .ask_pin = [=](const KekName& kek, const std::string& before,
                     unsigned tries) { return Ask(timeout, PinPrompt(kek, before, tries)); },
      .ask_recovery =
          [=](const KekName& kek, const Error& why) {
            PrintError(why.message);
            return Ask(timeout, RecoveryPrompt(kek));
          },
  };
}

int ActOnFailure(OnFailure on_failure, int exit_code) {
  switch (on_failure) {
    case OnFailure::kHold:
      return exit_code;
    case OnFailure::kProceed:
      PrintAndLog(LogLevel::kWarning, "on-failure=proceed: continuing to boot");
      return 0;
    case OnFailure::kPowerOff:
      PrintAndLog(LogLevel::kError, "on-failure=poweroff: powering off in 10 seconds");
      PowerOffAfter(10);
      return exit_code;
  }
  return exit_code;
}

int Finish(const Environment& environment, const BootOutcome& outcome) {
  std::optional<Errc> verdict = outcome.report->Verdict();
  int verdict_code = verdict ? ExitCode(*verdict) : 0;
  PrintUnlockReport(*outcome.report);
  int exit_code =
      outcome.is_failure ? ActOnFailure(outcome.on_failure, verdict_code) : verdict_code;
  Result<void> written = WriteUnlockStatus(environment, *outcome.report, verdict_code);
  if (!written) PrintAndLog(LogLevel::kWarning, written.error().message);
  return exit_code;
}

}  // namespace

Result<int> RunUnlock(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  BootOptions boot = {
      .questions = QuestionsAtConsole,
      .warn = [](const std::string& line) { PrintAndLog(LogLevel::kWarning, line); },
  };
  std::vector<Option> options = EnvironmentOptions(environment);
  options.push_back(
      {"tpm2-device", "DEVICE", "overrides tpm2-device= of nvunlock.conf", Store(boot.tpm_device)});
  options.push_back(SignatureFileOption(environment));
  options.push_back({"at-boot", nullptr, "apply nvunlock.* from the kernel command line",
                     Set(boot.heed_command_line)});
  unsigned work_limit = kWorkSeconds;
  options.push_back(WorkLimitOption(work_limit));
  TRY(ParseOptionsOnly(invocation, options));
  LimitWork(work_limit);
  BootOutcome outcome = UnlockThisBoot(environment, boot);
  return outcome.report ? Finish(environment, outcome) : ReportAll(outcome.problems);
}

}  // namespace nvunlock
