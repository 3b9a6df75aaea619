// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/slots.bats.
#include "src/seal/reseal.h"

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
  KekName kek = {"user", "nvdimm-master"};
  PolicyRequest policy;
  RecoveryRequest recovery;
  bool with_pin = false;
};

std::vector<Option> OptionsFor(Arguments& arguments) {
  std::vector<Option> options = {
      KekOption(arguments.kek),
      TpmDeviceOption(arguments.environment),
  };
  Append(options, PolicyOptions(arguments.policy));
  options.push_back({"tpm2-with-pin", nullptr, "ask for a PIN, which each unlock then wants",
                     Set(arguments.with_pin)});
  Append(options, RecoveryOptions(arguments.recovery));
  Append(options, EnvironmentOptions(arguments.environment));
  return options;
}

bool AsksForPolicy(const PolicyRequest& request) {
  return request.pcrs || request.public_key || request.has_signed_terms || request.next_boots ||
         request.weak_policy;
}

Result<ResealReport> Run(const Arguments& arguments) {
  ResealOptions options = {.kek = arguments.kek,
                           .policy = std::nullopt,
                           .pin = {},
                           .recovery = {},
                           .questions = QuestionsAtTerminal()};
  if (AsksForPolicy(arguments.policy)) options.policy = TRY(TermsOfNewSlot(arguments.policy));
  options.pin = TRY(AskNewPin(arguments.with_pin));
  options.recovery = TRY(Prepare(arguments.recovery));
  TRY(JoinSessionWith(Keyring(arguments.environment.keyring)));
  ResealReport report = TRY(Reseal(arguments.environment, options));
  TRY(PrintRecoveryKey(options.recovery));
  return report;
}

void PrintReport(const ResealReport& report) {
  for (const std::string& note : report.notes) PrintError(note);
  Print("wrote " + report.key_file + "\n");
  PrintApproval(report.approval);
  Print("proved: it unseals when its policy holds, and not without\n");
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
