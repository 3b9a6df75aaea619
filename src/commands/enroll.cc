#include "src/procedures/enroll.h"

#include "src/commands/commands.h"
#include "src/commands/options.h"
#include "src/commands/output.h"

namespace nvunlock {
namespace {

struct Arguments {
  Environment environment = EnvironmentBelow("");
  EnrollOptions options = {.kek = {"user", "nvdimm-master"}, .pcrs = {}};
};

std::vector<Option> OptionsFor(Arguments& arguments) {
  EnrollOptions& enroll = arguments.options;
  std::vector<Option> options = {
      {"kek", "TYPE:NAME", "name of the kek in the kernel [user:nvdimm-master]",
       [&](std::string_view value) -> Result<void> {
         Result<KekName> kek = ParseKekName(value);
         if (!kek) return Fail(Errc::kUsage, kek.error().message);
         enroll.kek = std::move(*kek);
         return {};
       }},
      {"import", nullptr, "seal ndctl's NAME.blob instead of a new kek",
       Set(enroll.import_clear_kek)},
      {"tpm2-device", "DEVICE", "auto, a device, or swtpm:path=SOCKET [auto]",
       Store(arguments.environment.tpm_device)},
      {"tpm2-pcrs", "LIST", "PCRs to bind to: NAME|0-23[:BANK[=DIGEST]] joined by +",
       [&](std::string_view value) -> Result<void> {
         enroll.pcrs = TRY(ParsePcrTerms(value));
         return {};
       }},
      {"weak-policy", nullptr, "accept PCRs that cover neither initrd nor command line",
       Set(enroll.weak_policy)},
  };
  for (Option& option : EnvironmentOptions(arguments.environment)) {
    options.push_back(std::move(option));
  }
  return options;
}

Result<void> Parse(const Invocation& invocation, Arguments& arguments) {
  TRY(ParseOptionsOnly(invocation, OptionsFor(arguments)));
  if (!arguments.options.pcrs.pcrs.empty()) return {};
  return Fail(Errc::kUsage,
              "say with --tpm2-pcrs= what the kek is bound to: 7+8 suits GRUB, 7+12 a UKI or "
              "systemd-boot (nvunlock(8), POLICY)");
}

void PrintSafekeeping(const EnrollReport& report, const KekName& kek) {
  Print(
      "There is no recovery slot yet: when this TPM is cleared or the board replaced, only a copy "
      "of the kek in clear opens your DIMMs.\n");
  if (report.clear_file.empty()) {
    Print(
        "Keep one in a safe place away from this machine, made with:\n  keyctl pipe \"$(keyctl "
        "search @u " +
        kek.type + " " + kek.description + ")\" >SAFE-PLACE/" + kek.ClearFileName() + "\n");
    return;
  }
  Print("Move " + report.clear_file +
        " to a safe place away from this machine. It is in clear in every initramfs image that was "
        "built with it, too: build those anew.\n");
}

void PrintReport(const EnrollReport& report, const KekName& kek) {
  for (const std::string& note : report.notes) PrintError(note);
  Print("wrote " + report.key_file + ": " + kek.ToString() + " sealed to this TPM\n");
  Print("policy: " + report.pcrs + "\n");
  Print(
      report.unsealed_again
          ? "proved: it unseals now, and not without its policy\n"
          : "proved: it does not unseal without its policy; that it unseals cannot be proved now, "
            "since the PCRs hold other values than it is bound to\n");
  PrintSafekeeping(report, kek);
  Print("Next: rebuild the initramfs image, so that it holds the key file.\n");
}

}  // namespace

int RunEnroll(const Invocation& invocation) {
  Arguments arguments;
  Result<void> parsed = Parse(invocation, arguments);
  if (!parsed) return Report(parsed.error());
  Result<EnrollReport> report = Enroll(arguments.environment, arguments.options);
  if (!report) return Report(report.error());
  PrintReport(*report, arguments.options.kek);
  return 0;
}

}  // namespace nvunlock
