// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/operation_keks.bats.
#include <nlohmann/json.hpp>

#include "src/commands/commands.h"
#include "src/image/stale_keys.h"
#include "src/os/keyring.h"
#include "src/passphrase/revoke_kek.h"
#include "src/terminal/dimm_command.h"
#include "src/terminal/image_options.h"
#include "src/terminal/output.h"

namespace nvunlock {
namespace {

struct Arguments {
  DimmCommand common;
  RotateOptions rotate = {.from = {"user", "nvdimm-master"}, .to = {}};
  bool revoke = false;
  bool no_image = false;
};

Result<void> Parse(const Invocation& invocation, Arguments& arguments) {
  Option to = KekOption(arguments.rotate.to);
  to.name = "to";
  to.help = "the new kek, which must be enrolled";
  std::vector<Option> options = {
      KekOption(arguments.rotate.from),
      to,
      {"revoke", nullptr,
       "also change every DIMM's passphrase, so that old keks and blobs become useless",
       Set(arguments.revoke)},
      NoImageOption(arguments.no_image),
      {"verbose", nullptr, "show each step", Set(arguments.common.verbose), 'v'},
      {"dry-run", nullptr, "only show what would be wrapped", Set(arguments.common.dry_run)},
      {"json", nullptr, "print JSON: the blobs, or with --revoke the DIMMs",
       Set(arguments.common.as_json)},
  };
  Append(options, EnvironmentOptions(arguments.common.environment));
  TRY(ParseOptionsOnly(invocation, options));
  if (arguments.rotate.to.description.empty()) {
    return Fail(Errc::kUsage, "name the new kek with --to=user:NAME");
  }
  return JoinSessionWith(Keyring(arguments.common.environment.keyring));
}

constexpr char kMastersStay[] =
    "master passphrases are unchanged: anyone with an old kek and an old blob of a master "
    "passphrase can erase that DIMM";

/// Prints what still holds keys that are worth nothing now.
void PrintOldKeys(const Environment& environment) {
  for (const std::string& line : FindOldKeys(environment)) PrintError(line);
}

Result<int> Revoke(const Arguments& arguments) {
  const Environment& environment = arguments.common.environment;
  RevokeReport report = TRY(RevokeKek(environment, arguments.rotate));
  int exit_code = PrintDimmReport(arguments.common, report.dimms, "passphrase updated for");
  if (report.problem) return Failure(std::move(*report.problem));
  if (!report.is_revoked) return exit_code;
  if (report.leaves_masters) PrintError(kMastersStay);
  PrintOldKeys(environment);
  return 0;
}

void PrintWrapped(const Arguments& arguments, const RotateReport& report) {
  // With --revoke standard output is for what becomes of the DIMMs.
  if (arguments.common.as_json) {
    bool is_result = !arguments.revoke || arguments.common.dry_run;
    if (is_result) PrintJson(report.rewrapped);
    return;
  }
  const char* verb = arguments.common.dry_run ? "would wrap " : "wrapped ";
  for (const std::string& name : report.rewrapped) {
    Print(verb + name + " under " + arguments.rotate.to.ToString() + "\n");
  }
  if (arguments.common.dry_run || arguments.revoke) return;
  Print("This revokes nothing: " + arguments.rotate.from.ToString() +
        " and an old copy of a blob, in a backup or an image, still give its passphrase; --revoke "
        "also changes the passphrases.\n");
}

Result<int> Run(const Invocation& invocation, Arguments& arguments) {
  TRY(Parse(invocation, arguments));
  arguments.rotate.dry_run = arguments.common.dry_run;
  arguments.rotate.on_step = ShowSteps(arguments.common);
  if (!arguments.no_image) {
    arguments.rotate.refresh_images = ImageRefreshFor(arguments.common.environment);
  }
  RotateReport report = TRY(RotateKek(arguments.common.environment, arguments.rotate));
  EndProgress();
  PrintWrapped(arguments, report);
  int exit_code = 0;
  for (const Error& problem : report.problems) exit_code = Report(problem);
  bool revoke = arguments.revoke && !arguments.common.dry_run && exit_code == 0;
  return revoke ? Revoke(arguments) : Result<int>(exit_code);
}

}  // namespace

Result<int> RunRotateKek(const Invocation& invocation) {
  Arguments arguments;
  return Run(invocation, arguments);
}

}  // namespace nvunlock
