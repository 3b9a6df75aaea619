// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/slots.bats.
#include "src/seal/reseal.h"

#include "src/commands/commands.h"
#include "src/terminal/enroll_options.h"
#include "src/terminal/options.h"
#include "src/terminal/output.h"
#include "src/terminal/questions.h"

namespace nvunlock {
namespace {

struct Arguments {
  Environment environment = EnvironmentBelow("");
  KekName kek = {"user", "nvdimm-master"};
  PolicyRequest policy;
  std::string latch;
  RecoveryRequest recovery;
  bool with_pin = false;
};

std::vector<Option> OptionsFor(Arguments& arguments) {
  std::vector<Option> options = {
      KekOption(arguments.kek),
      {"tpm2-device", "DEVICE", "auto, a device, or swtpm:path=SOCKET [auto]",
       Store(arguments.environment.tpm_device)},
  };
  Append(options, PolicyOptions(arguments.policy));
  options.push_back({"latch", "KIND", "nv, pcr:N or none [as before]", Store(arguments.latch)});
  options.push_back({"tpm2-with-pin", nullptr, "ask for a PIN, which each unlock then wants",
                     Set(arguments.with_pin)});
  Append(options, RecoveryOptions(arguments.recovery));
  Append(options, EnvironmentOptions(arguments.environment));
  return options;
}

Result<ResealReport> Run(const Arguments& arguments) {
  ResealOptions options = {.kek = arguments.kek,
                           .pcrs = arguments.policy.pcrs,
                           .keep_signed_pcrs = !arguments.policy.public_key,
                           .signed_pcrs = std::nullopt,
                           .signature_file = arguments.policy.signed_terms.signature_file,
                           .weak_policy = arguments.policy.weak_policy,
                           .latch = std::nullopt,
                           .pin = {},
                           .recovery = {},
                           .ask_recovery =
                               [](const KekName& kek, const Error& why) {
                                 PrintError(why.message);
                                 return AskForRecovery(kek);
                               },
                           .ask_pin = AskForPin};
  if (!arguments.latch.empty()) options.latch = TRY(ParseLatchChoice(arguments.latch));
  options.signed_pcrs = TRY(ReadSignedTerms(arguments.policy));
  options.pin = TRY(AskNewPin(arguments.with_pin));
  options.recovery = TRY(Prepare(arguments.recovery));
  ResealReport report = TRY(Reseal(arguments.environment, options));
  TRY(PrintRecoveryKey(options.recovery));
  return report;
}

void PrintReport(const ResealReport& report) {
  for (const std::string& note : report.notes) PrintError(note);
  Print("wrote " + report.key_file + "\npolicy: " + report.policy +
        "\nlatch: " + ToText(report.latch) + "\n");
  Print(Explain(report.proof));
  Print("Next: rebuild the initramfs image, so that it holds the key file.\n");
}

}  // namespace

Result<int> RunReseal(const Invocation& invocation) {
  Arguments arguments;
  TRY(ParseOptionsOnly(invocation, OptionsFor(arguments)));
  ResealReport report = TRY(Run(arguments));
  PrintReport(report);
  return 0;
}

}  // namespace nvunlock
