#include "src/procedures/enroll.h"

#include "src/commands/commands.h"
#include "src/commands/options.h"
#include "src/commands/output.h"
#include "src/commands/questions.h"
#include "src/commands/slot_options.h"

namespace nvunlock {
namespace {

struct Arguments {
  Environment environment = EnvironmentBelow("");
  EnrollOptions options = {.kek = {"user", "nvdimm-master"}, .slot = {}, .pin = {}, .recovery = {}};
  RecoveryRequest recovery;
  bool with_pin = false;
};

std::vector<Option> OptionsFor(Arguments& arguments) {
  EnrollOptions& enroll = arguments.options;
  std::vector<Option> options = {
      KekOption(enroll.kek),
      {"import", nullptr, "seal ndctl's NAME.blob instead of a new kek",
       Set(enroll.import_clear_kek)},
      {"tpm2-device", "DEVICE", "auto, a device, or swtpm:path=SOCKET [auto]",
       Store(arguments.environment.tpm_device)},
      {"no-recovery", nullptr, "make no recovery slot", Set(arguments.recovery.none)},
  };
  Append(options, TpmSlotOptions(enroll.slot));
  options.push_back({"latch", "KIND",
                     "what forbids a second unseal in a boot: nv, pcr:N or none [nv]",
                     [&](std::string_view value) -> Result<void> {
                       enroll.slot.latch = TRY(ParseLatchChoice(value));
                       return {};
                     }});
  options.push_back({"tpm2-with-pin", nullptr, "ask for a PIN, which each unlock then wants",
                     Set(arguments.with_pin)});
  Append(options, RecoveryOptions(arguments.recovery));
  Append(options, EnvironmentOptions(arguments.environment));
  return options;
}

Result<void> CheckRecovery(const RecoveryRequest& recovery) {
  if (recovery.none && !recovery.IsEmpty()) {
    return Fail(Errc::kUsage, "--no-recovery, and yet a recovery slot");
  }
  if (recovery.none || !recovery.IsEmpty()) return {};
  return Fail(Errc::kUsage,
              "say how to get at the kek when the TPM is lost: --recovery-key, "
              "--recovery-passphrase, --escrow=CERT.pem, or --no-recovery");
}

Result<void> Parse(const Invocation& invocation, Arguments& arguments) {
  TRY(ParseOptionsOnly(invocation, OptionsFor(arguments)));
  if (arguments.options.slot.pcrs.pcrs.empty()) {
    return Fail(Errc::kUsage,
                "say with --tpm2-pcrs= what the kek is bound to: 7+8 suits GRUB, 7+12 a UKI or "
                "systemd-boot (nvunlock(8), POLICY)");
  }
  return CheckRecovery(arguments.recovery);
}

void PrintSafekeeping(const EnrollReport& report, const Arguments& arguments) {
  const KekName& kek = arguments.options.kek;
  if (arguments.recovery.none) {
    Print(
        "There is no recovery slot: when this TPM is cleared, its owner removes the latch, or the "
        "board is replaced, only a copy of the kek in clear opens your DIMMs.\n");
    if (report.clear_file.empty()) {
      Print(
          "Keep one in a safe place away from this machine, made with:\n  keyctl pipe \"$(keyctl "
          "search @u " +
          kek.type + " " + kek.description + ")\" >SAFE-PLACE/" + kek.ClearFileName() + "\n");
    }
  }
  if (report.clear_file.empty()) return;
  Print("Move " + report.clear_file +
        " to a safe place away from this machine. It is in clear in every initramfs image that was "
        "built with it, too: build those anew.\n");
}

void PrintReport(const EnrollReport& report, const Arguments& arguments) {
  for (const std::string& note : report.notes) PrintError(note);
  Print("wrote " + report.key_file + ": " + arguments.options.kek.ToString() +
        " sealed to this TPM\n");
  Print("policy: " + report.pcrs + "\n");
  Print("latch: " + ToText(arguments.options.slot.latch) + "\n");
  Print(Explain(report.proof));
  PrintSafekeeping(report, arguments);
  Print("Next: rebuild the initramfs image, so that it holds the key file.\n");
}

Result<EnrollReport> Run(Arguments& arguments) {
  arguments.options.pin = TRY(AskNewPin(arguments.with_pin));
  arguments.options.recovery = TRY(Prepare(arguments.recovery));
  EnrollReport report = TRY(Enroll(arguments.environment, arguments.options));
  TRY(PrintRecoveryKey(arguments.options.recovery));
  return report;
}

}  // namespace

int RunEnroll(const Invocation& invocation) {
  Arguments arguments;
  Result<void> parsed = Parse(invocation, arguments);
  if (!parsed) return Report(parsed.error());
  Result<EnrollReport> report = Run(arguments);
  if (!report) return Report(report.error());
  PrintReport(*report, arguments);
  return 0;
}

}  // namespace nvunlock
