// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "src/commands/commands.h"
#include "src/os/keyring.h"
#include "src/seal/approve_all.h"
#include "src/seal/held_update_key.h"
#include "src/terminal/approval_text.h"
#include "src/terminal/enroll_options.h"
#include "src/terminal/options.h"
#include "src/terminal/output.h"
#include "src/terminal/questions.h"
#include "src/unlock/read_config.h"

namespace nvunlock {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  Environment environment = EnvironmentBelow("");
  std::optional<KekName> kek;
  ApprovalChange change;
  PolicyRequest policy;
  bool drop_key = false;
  bool as_json = false;
};

std::vector<Option> OptionsFor(Arguments& arguments) {
  ApprovalChange& change = arguments.change;
  std::vector<Option> options = {
      {"kek", "TYPE:NAME", "name of the kek in the kernel [all that are enrolled]",
       [&arguments](std::string_view value) -> Result<void> {
         KekName kek;
         TRY(KekOption(kek).apply(value));
         arguments.kek = std::move(kek);
         return {};
       }},
      {"now", nullptr, "approve what booted now, and nothing else", Set(change.only_now)},
      {"learn", nullptr, "approve what booted now if it was not; keep what was approved last",
       Set(change.learn)},
      {"revoke", nullptr, "no longer approve the next boot", Set(change.revoke)},
      {"after-update", nullptr,
       "approve the next boot if boot files are measured; for hooks of package managers",
       Set(change.for_update)},
      {"drop-key", nullptr, "approve nothing more by itself in this boot; before a hibernation",
       Set(arguments.drop_key)},
      {"signed", "KEY.pem", "the same as --tpm2-public-key",
       [&arguments](std::string_view value) -> Result<void> {
         arguments.policy.public_key = value;
         return {};
       }},
      TpmDeviceOption(arguments.environment),
      JsonOption(arguments.as_json),
  };
  Append(options, PolicyOptions(arguments.policy));
  Append(options, EnvironmentOptions(arguments.environment));
  return options;
}

Result<void> Parse(const Invocation& invocation, Arguments& arguments) {
  TRY(ParseOptionsOnly(invocation, OptionsFor(arguments)));
  ApprovalChange& change = arguments.change;
  PolicyRequest& policy = arguments.policy;
  change.next_boots = policy.next_boots.value_or(change.for_update ? 1 : 0);
  change.pcrs = policy.pcrs;
  change.signed_pcrs = TRY(ReadSignedTerms(policy));
  change.weak_policy = policy.weak_policy;
  if (change.only_now + change.learn + change.revoke <= 1) return {};
  return Fail(Errc::kUsage, "--now, --learn and --revoke exclude each other");
}

bool IsChange(const ApprovalChange& change) {
  return change.only_now || change.learn || change.revoke || change.for_update ||
         change.next_boots > 0 || change.pcrs || change.signed_pcrs;
}

Result<std::vector<KekApproval>> Run(const Arguments& arguments) {
  const Environment& environment = arguments.environment;
  if (!IsChange(arguments.change)) return ReadApprovals(environment, arguments.kek);
  Questions questions;  // nobody, where a package manager calls
  if (!arguments.change.for_update) questions = QuestionsAtTerminal();
  TRY(JoinSessionWith(Keyring(environment.keyring)));
  bool keep_keys = ReadConfig(environment).config.updates == Updates::kUnattended;
  return ApproveAll(environment, arguments.kek, arguments.change, questions, keep_keys);
}

void PrintApproved(const KekApproval& approval) {
  Print(approval.kek.ToString() + (approval.report->written ? ": changed\n" : "\n"));
  PrintApproval(approval.report->approval);
}

Json ToJson(const KekApproval& approval) {
  return {{"kek", approval.kek.ToString()},
          {"changed", approval.report->written},
          {"approved", ToJson(approval.report->approval)}};
}

/// Returns the exit code.
int PrintAll(std::vector<KekApproval>& approvals, bool as_json) {
  Json json = Json::array();
  int exit_code = 0;
  for (KekApproval& approval : approvals) {
    if (!approval.report) {
      exit_code = Report(std::move(approval.report.error()).Within(approval.kek.ToString()));
      continue;
    }
    for (const std::string& note : approval.report->notes) PrintError(note);
    json.push_back(ToJson(approval));
    if (!as_json) PrintApproved(approval);
  }
  if (as_json) PrintJson(json);
  return exit_code;
}

}  // namespace

Result<int> RunApprove(const Invocation& invocation) {
  Arguments arguments;
  TRY(Parse(invocation, arguments));
  if (arguments.drop_key) {
    TRY(DropUpdateKeys(arguments.environment));
    return 0;
  }
  std::vector<KekApproval> approvals = TRY(Run(arguments));
  return PrintAll(approvals, arguments.as_json);
}

}  // namespace nvunlock
