// SPDX-License-Identifier: Apache-2.0
#include "src/seal/enroll.h"

#include "src/commands/commands.h"
#include "src/os/keyring.h"
#include "src/terminal/approval_text.h"
#include "src/terminal/enroll_options.h"
#include "src/terminal/options.h"
#include "src/terminal/output.h"
#include "src/terminal/questions.h"

namespace nvunlock {
namespace {

struct Arguments {
  Environment environment = EnvironmentBelow("");
  EnrollOptions options = {
      .kek = {"user", "nvdimm-master"}, .policy = {}, .pin = {}, .recovery = {}};
  PolicyRequest policy;
  RecoveryRequest recovery;
  bool with_pin = false;
};

std::vector<Option> OptionsFor(Arguments& arguments) {
  EnrollOptions& enroll = arguments.options;
  std::vector<Option> options = {
      KekOption(enroll.kek),
      {"import", nullptr, "seal ndctl's NAME.blob instead of a new kek",
       Set(enroll.import_clear_kek)},
      TpmDeviceOption(arguments.environment),
      {"no-recovery", nullptr, "make no recovery slot", Set(arguments.recovery.none)},
  };
  Append(options, PolicyOptions(arguments.policy));
  options.push_back({"tpm2-with-pin", nullptr, "ask for a PIN, which each unlock then wants",
                     Set(arguments.with_pin)});
  Append(options, RecoveryOptions(arguments.recovery));
  Append(options, EnvironmentOptions(arguments.environment));
  return options;
}

Result<void> CheckRecovery(const RecoveryRequest& recovery) {
  if (recovery.none && !recovery.IsEmpty()) {
    return Fail(Errc::kUsage, "--no-recovery conflicts with the other recovery options");
  }
  if (recovery.none || !recovery.IsEmpty()) return {};
  return Fail(Errc::kUsage,
              "choose how to recover the kek if the TPM is lost: --recovery-key, "
              "--recovery-passphrase, --escrow=CERT.pem, or --no-recovery");
}

Result<void> Parse(const Invocation& invocation, Arguments& arguments) {
  TRY(ParseOptionsOnly(invocation, OptionsFor(arguments)));
  arguments.options.policy = TRY(TermsOfNewSlot(arguments.policy));
  return CheckRecovery(arguments.recovery);
}

/// The file may be the only copy of what opens a DIMM until the contrary is shown.
void PrintFateOfClearKek(const EnrollReport& report) {
  if (!report.unopened.empty()) {
    std::string names;
    for (const std::string& name : report.unopened) names += " " + name;
    Print("Keep " + report.clear_file + ": the sealed kek has not been shown to open" + names +
          ".\n");
    return;
  }
  Print("Move " + report.clear_file +
        " to a safe place away from this machine. It is in clear in every initramfs image that was "
        "built with it, too: build those anew.\n");
}

void PrintSafekeeping(const EnrollReport& report, const Arguments& arguments) {
  const KekName& kek = arguments.options.kek;
  if (arguments.recovery.none) {
    Print(
        "There is no recovery slot: when this TPM is cleared, its owner removes the latch, "
        "or the "
        "board is replaced, only a copy of the kek in clear opens your DIMMs.\n");
    if (report.clear_file.empty()) {
      Print(
          "Keep one in a safe place away from this machine, made with:\n  keyctl pipe \"$(keyctl "
          "search @u " +
          kek.type + " " + kek.description + ")\" >SAFE-PLACE/" + kek.ClearFileName() + "\n");
    }
  }
  if (!report.clear_file.empty()) PrintFateOfClearKek(report);
}

void PrintReport(const EnrollReport& report, const Arguments& arguments) {
  for (const std::string& note : report.notes) PrintError(note);
  Print("wrote " + report.key_file + ": " + arguments.options.kek.ToString() +
        " sealed to this TPM\n");
  PrintApproval(report.approval);
  Print("proved: it unseals when its policy holds, and not without\n");
  PrintSafekeeping(report, arguments);
  Print("Next: rebuild the initramfs image, so that it holds the key file.\n");
}

Result<EnrollReport> Run(Arguments& arguments) {
  arguments.options.pin = TRY(AskNewPin(arguments.with_pin));
  arguments.options.recovery = TRY(Prepare(arguments.recovery));
  TRY(JoinSessionWith(Keyring(arguments.environment.keyring)));
  EnrollReport report = TRY(Enroll(arguments.environment, arguments.options));
  TRY(PrintRecoveryKey(arguments.options.recovery));
  return report;
}

}  // namespace

Result<int> RunEnroll(const Invocation& invocation) {
  Arguments arguments;
  TRY(Parse(invocation, arguments));
  EnrollReport report = TRY(Run(arguments));
  PrintReport(report, arguments);
  return 0;
}

}  // namespace nvunlock
