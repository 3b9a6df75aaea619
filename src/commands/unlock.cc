#include "src/unlock/unlock.h"

#include <algorithm>

#include "src/commands/commands.h"
#include "src/commands/enroll_options.h"
#include "src/commands/options.h"
#include "src/commands/output.h"
#include "src/commands/questions.h"
#include "src/commands/unlock_status.h"
#include "src/model/key_store.h"
#include "src/os/file.h"
#include "src/os/keyring.h"
#include "src/os/power.h"
#include "src/os/process.h"
#include "src/os/prompt.h"
#include "src/os/work_limit.h"
#include "src/records/record_image.h"
#include "src/records/record_pcrs.h"
#include "src/seal/latch.h"
#include "src/unlock/await_tpm.h"
#include "src/unlock/drivers.h"
#include "src/unlock/guard.h"
#include "src/unlock/hold_resume.h"
#include "src/unlock/read_config.h"

namespace nvunlock {
namespace {

constexpr size_t kImageFileLimit = 64 << 10;

constexpr char kNoResume[] =
    "no hibernated system is resumed in this boot: it would take locked DIMMs for unlocked";
constexpr char kResumedBefore[] =
    "resume= on the kernel command line has the kernel itself resume a hibernated system, before "
    "any initramfs can unlock its DIMMs: write resume=UUID=..., which leaves that to the initramfs";

/// Everything that decides how this boot's unlock goes.
struct Setting {
  Config config;
  std::string host;
  bool enrolled = false;
};

Config ReadConfigAloud(const Environment& environment, bool at_boot) {
  ParsedConfig parsed = at_boot ? ReadBootConfig(environment) : ReadConfig(environment);
  for (const std::string& complaint : parsed.complaints) {
    PrintAndLog(LogLevel::kWarning, complaint);
  }
  return parsed.config;
}

/// Fills in whose keys to use and whether there are any. An image says itself whether the machine
/// was enrolled when it was built: nothing may follow from an empty keys directory in it. In a
/// running system the directory decides.
Result<void> FindEnrollment(const Environment& environment, Setting& setting) {
  bool has_key_files = !TRY(KeyStore(environment.keys_dir).EnrolledKeks()).empty();
  setting.host = HostName();
  setting.enrolled = has_key_files;
  if (!Exists(environment.image_facts)) return {};
  std::string text = TRY(ReadFile(environment.image_facts, kImageFileLimit));
  ImageFacts facts = TRY_IN(environment.image_facts, ParseImageFacts(text));
  setting.enrolled = facts.enrolled;
  if (!facts.host.empty()) setting.host = facts.host;
  if (facts.enrolled && !has_key_files) {
    return Fail(Errc::kKeysIncomplete,
                "this image was built for an enrolled machine, but holds no key file");
  }
  return {};
}

/// For enroll, status and verify, which look at them later.
void RecordBoot(const Environment& environment, TpmConnection& tpm) {
  (void)RecordPcrs(environment, tpm);
  (void)RecordImage(environment);
}

/// Nothing enrolled: the machine boots as if nvunlock were not there.
void StepAside(const Environment& environment) {
  TpmConnection tpm(environment.tpm_device);
  RecordBoot(environment, tpm);
  if (!GuardIsClosed(environment)) return;
  Result<void> opened = OpenGuard(environment);
  if (opened && HasDimmHardware(environment)) opened = LoadDimmDrivers(environment);
  if (!opened) PrintAndLog(LogLevel::kWarning, opened.error().message);
}

/// The guard stays whatever the policy is: a driver that came in now would send zeros to DIMMs that
/// are still locked. And a system that knows them unlocked stays asleep.
void Protect(const Environment& environment) {
  Result<void> guard = HoldGuard(environment);
  if (!guard) PrintAndLog(LogLevel::kWarning, guard.error().message);
  Result<bool> resume = HoldResume(environment);
  if (!resume) PrintAndLog(LogLevel::kWarning, resume.error().message);
  if (resume && *resume) PrintAndLog(LogLevel::kWarning, kNoResume);
}

/// Records the boot and closes the latches: there was no unseal, and there shall be none. Returns
/// the exit code.
int CloseUp(const Environment& environment, const Config& config) {
  Result<void> awaited = AwaitTpm(environment, config);
  TpmConnection tpm(environment.tpm_device);
  RecordBoot(environment, tpm);
  std::vector<Error> problems = CloseLatchesAtBoot(environment, tpm);
  if (!awaited) problems.insert(problems.begin(), std::move(awaited.error()));
  return ReportAll(problems);
}

/// Hands off for one boot. The latch closes all the same: the command line may be a thief's.
int StayOff(const Environment& environment, const Config& config) {
  PrintAndLog(LogLevel::kWarning,
              "nvunlock=off: no DIMM is brought up, and the TPM gives nothing away until the next "
              "boot; with a recovery slot 'nvunlock load-keys --recovery', then 'nvunlock unlock' "
              "bring them up");
  Protect(environment);
  return CloseUp(environment, config);
}

UnlockReport FailedReport(Error error) {
  UnlockReport report;
  report.problems.push_back(std::move(error));
  return report;
}

/// What people take does not count as work.
Result<Secret> Ask(const Setting& setting, std::string text) {
  WorkPause pause;
  return AskSecretAtBoot(
      {.text = std::move(text), .timeout_seconds = setting.config.recovery_timeout});
}

/// What to do, and whom to ask. SETTING must outlive it.
UnlockOptions OptionsFor(const Setting& setting) {
  UnlockOptions options = {.config = setting.config, .host = setting.host};
  options.ask_pin = [&](const KekName& kek, const std::string& before, unsigned tries) {
    return Ask(setting, PinPrompt(kek, before, tries));
  };
  if (setting.config.recovery_prompt) {
    options.ask_recovery = [&](const KekName& kek, const Error& why) {
      PrintError(why.message);
      return Ask(setting, RecoveryPrompt(kek));
    };
  }
  options.ask_reseal = [&](const KekName& kek, const Error& /*why*/) {
    return WantsReseal(Ask(setting, ResealPrompt(kek)));
  };
  return options;
}

UnlockReport UnlockEnrolled(const Environment& environment, const Setting& setting) {
  Result<void> session = JoinSessionWith(Keyring(environment.keyring));
  if (!session) return FailedReport(std::move(session.error()));
  Result<void> awaited = AwaitTpm(environment, setting.config);
  UnlockReport report = Unlock(environment, OptionsFor(setting));
  if (!awaited && report.Verdict() == Errc::kNoTpm) {
    report.problems.insert(report.problems.begin(), std::move(awaited.error()));
  }
  return report;
}

int ActOnFailure(OnFailure on_failure, int exit_code) {
  switch (on_failure) {
    case OnFailure::kHold:
      return exit_code;
    case OnFailure::kProceed:
      PrintAndLog(LogLevel::kWarning, "on-failure=proceed: booting on");
      return 0;
    case OnFailure::kPowerOff:
      PrintAndLog(LogLevel::kError, "on-failure=poweroff: powering off in 10 seconds");
      PowerOffAfter(10);
      return exit_code;
  }
  return exit_code;
}

/// A kernel that kexec has started finds the latch closed, and nothing wrong with the DIMMs.
bool IsHarmless(const UnlockReport& report) {
  bool all_up = !report.dimms.empty() && std::none_of(report.dimms.begin(), report.dimms.end(),
                                                      [](const DimmOutcome& outcome) {
                                                        return outcome.problem.has_value();
                                                      });
  bool only_latched =
      std::all_of(report.problems.begin(), report.problems.end(),
                  [](const Error& problem) { return problem.code == Errc::kLatchClosed; });
  return only_latched && all_up;
}

/// What protects comes first, and status.json last: a failure to report never costs protection.
int Finish(const Environment& environment, const Setting& setting, const UnlockReport& report) {
  std::optional<Errc> verdict = report.Verdict();
  int verdict_code = verdict ? ExitCode(*verdict) : 0;
  bool is_failure = verdict && !IsHarmless(report);
  if (is_failure) Protect(environment);
  PrintUnlockReport(report);
  int exit_code = is_failure ? ActOnFailure(setting.config.on_failure, verdict_code) : verdict_code;
  Result<void> written = WriteUnlockStatus(environment, report, verdict_code);
  if (!written) PrintAndLog(LogLevel::kWarning, written.error().message);
  return exit_code;
}

}  // namespace

int RunUnlock(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  std::string tpm_device;
  bool at_boot = false;
  std::vector<Option> options = EnvironmentOptions(environment);
  options.push_back(
      {"tpm2-device", "DEVICE", "overrides tpm2-device= of nvunlock.conf", Store(tpm_device)});
  options.push_back(SignatureFileOption(environment));
  options.push_back(
      {"at-boot", nullptr, "heed nvunlock.* on the kernel command line", Set(at_boot)});
  options.push_back(WorkLimitOption());
  Result<void> parsed = ParseOptionsOnly(invocation, options);
  if (!parsed) return Report(parsed.error());

  Setting setting = {.config = ReadConfigAloud(environment, at_boot), .host = ""};
  environment.tpm_device = tpm_device.empty() ? setting.config.tpm_device : tpm_device;
  Result<void> found = FindEnrollment(environment, setting);
  if (setting.config.off && setting.enrolled) return StayOff(environment, setting.config);
  if (!found) return Finish(environment, setting, FailedReport(std::move(found.error())));
  if (!setting.enrolled) {
    StepAside(environment);
    return 0;
  }
  // No DIMM and nothing that could have one: there is nobody to ask and nothing to say.
  if (!HasDimmHardware(environment)) return CloseUp(environment, setting.config);
  if (at_boot && KernelResumesByItself(environment)) {
    PrintAndLog(LogLevel::kWarning, kResumedBefore);
  }
  return Finish(environment, setting, UnlockEnrolled(environment, setting));
}

}  // namespace nvunlock
