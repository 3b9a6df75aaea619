// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/this_boot.h"

#include <algorithm>

#include "src/model/key_store.h"
#include "src/os/file.h"
#include "src/os/keyring.h"
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

constexpr char kStaysOff[] =
    "nvunlock=off: no DIMM is brought up, and the TPM gives nothing away until the next boot; with "
    "a recovery slot, run 'nvunlock load-keys --recovery', then 'nvunlock unlock'";
constexpr char kNoResume[] =
    "no hibernated system is resumed in this boot: it would treat locked DIMMs as unlocked";
constexpr char kResumedBefore[] =
    "with resume= as it is on the kernel command line, the kernel resumes a hibernated system "
    "before any initramfs can unlock its DIMMs; write resume=UUID=... to leave that to the "
    "initramfs";

/// A boot, and everything that decides how its unlock goes.
struct Boot {
  Environment environment;
  const BootOptions& options;
  Config config;
  bool enrolled = false;
};

void Warn(const Boot& boot, const std::string& line) {
  if (boot.options.warn) boot.options.warn(line);
}

template <typename T>
void WarnOfFailure(const Boot& boot, const Result<T>& result) {
  if (!result) Warn(boot, result.error().message);
}

void ReadConfiguration(Boot& boot) {
  ParsedConfig parsed = boot.options.heed_command_line ? ReadBootConfig(boot.environment)
                                                       : ReadConfig(boot.environment);
  for (const std::string& complaint : parsed.complaints) Warn(boot, complaint);
  boot.config = parsed.config;
  boot.environment.tpm_device =
      boot.options.tpm_device.empty() ? boot.config.tpm_device : boot.options.tpm_device;
}

/// Whose keys to use and whether there are any. An image says itself whether the machine was
/// enrolled when it was built: nothing may follow from an empty keys directory in it. In a running
/// system the directory decides.
Result<void> FindEnrollment(Boot& boot) {
  Environment& environment = boot.environment;
  bool has_key_files = !TRY(KeyStore(environment.keys_dir).EnrolledKeks()).empty();
  boot.enrolled = has_key_files;
  if (!Exists(environment.image_facts)) return {};
  std::string text = TRY(ReadFile(environment.image_facts, kImageFileLimit));
  ImageFacts facts = TRY_IN(environment.image_facts, ParseImageFacts(text));
  boot.enrolled = facts.enrolled;
  if (!facts.host.empty()) boot.environment.host = facts.host;
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

/// Nothing is enrolled: the machine boots as if nvunlock were not there.
void StepAside(const Boot& boot) {
  TpmConnection tpm(boot.environment.tpm_device);
  RecordBoot(boot.environment, tpm);
  if (!GuardHolds(boot.environment)) return;
  Result<void> opened = LiftGuard(boot.environment);
  if (opened && HasDimmHardware(boot.environment)) opened = LoadDimmDrivers(boot.environment);
  WarnOfFailure(boot, opened);
}

/// The guard holds whatever the policy is: a driver that came in now would send zeros to DIMMs that
/// are still locked. And a system that knows them unlocked stays asleep.
void Protect(const Boot& boot) {
  WarnOfFailure(boot, HoldGuard(boot.environment));
  Result<bool> resume = HoldResume(boot.environment);
  WarnOfFailure(boot, resume);
  if (resume && *resume) Warn(boot, kNoResume);
}

/// There was no unseal, and there shall be none.
BootOutcome CloseLatches(const Boot& boot) {
  Result<void> awaited = AwaitTpm(boot.environment, boot.config);
  TpmConnection tpm(boot.environment.tpm_device);
  RecordBoot(boot.environment, tpm);
  BootOutcome outcome;
  outcome.problems = CloseLatchesAtBoot(boot.environment, tpm);
  if (!awaited) outcome.problems.insert(outcome.problems.begin(), std::move(awaited.error()));
  return outcome;
}

/// Hands off for one boot. The latch closes all the same: the command line may be a thief's.
BootOutcome StayOff(const Boot& boot) {
  Warn(boot, kStaysOff);
  Protect(boot);
  return CloseLatches(boot);
}

UnlockOptions OptionsFor(const Boot& boot) {
  UnlockOptions options = {.config = boot.config};
  if (!boot.options.questions) return options;
  BootQuestions questions = boot.options.questions(boot.config);
  options.ask_pin = std::move(questions.ask_pin);
  if (boot.config.recovery_prompt) options.ask_recovery = std::move(questions.ask_recovery);
  return options;
}

UnlockReport FailedReport(Error error) {
  UnlockReport report;
  report.problems.push_back(std::move(error));
  return report;
}

UnlockReport UnlockEnrolled(const Boot& boot) {
  Result<void> session = JoinSessionWith(Keyring(boot.environment.keyring));
  if (!session) return FailedReport(std::move(session.error()));
  Result<void> awaited = AwaitTpm(boot.environment, boot.config);
  UnlockReport report = Unlock(boot.environment, OptionsFor(boot));
  if (!awaited && report.Verdict() == Errc::kNoTpm) {
    report.problems.insert(report.problems.begin(), std::move(awaited.error()));
  }
  return report;
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

/// What protects comes before anybody hears of REPORT: a failure to tell never costs protection.
BootOutcome Conclude(const Boot& boot, UnlockReport report) {
  BootOutcome outcome;
  outcome.is_failure = report.Verdict() && !IsHarmless(report);
  outcome.on_failure = boot.config.on_failure;
  if (outcome.is_failure) Protect(boot);
  outcome.report = std::move(report);
  return outcome;
}

}  // namespace

BootOutcome UnlockThisBoot(Environment environment, const BootOptions& options) {
  Boot boot = {.environment = std::move(environment), .options = options};
  ReadConfiguration(boot);
  Result<void> found = FindEnrollment(boot);
  if (boot.config.off && boot.enrolled) return StayOff(boot);
  if (!found) return Conclude(boot, FailedReport(std::move(found.error())));
  if (!boot.enrolled) {
    StepAside(boot);
    return {};
  }
  // No DIMM and nothing that could have one: there is nobody to ask and nothing to say.
  if (!HasDimmHardware(boot.environment)) return CloseLatches(boot);
  if (options.heed_command_line && KernelResumesByItself(boot.environment)) {
    Warn(boot, kResumedBefore);
  }
  return Conclude(boot, UnlockEnrolled(boot));
}

}  // namespace nvunlock
