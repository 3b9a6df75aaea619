// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/operations.bats.
#include "src/commands/commands.h"
#include "src/passphrase/sanitize.h"
#include "src/terminal/dimm_command.h"
#include "src/terminal/image_options.h"
#include "src/terminal/output.h"

namespace nvunlock {
namespace {

struct Arguments {
  DimmCommand dimms;
  SanitizeOptions sanitize;
  bool master = false;
  bool no_image = false;
};

std::vector<Option> OptionsFor(Arguments& arguments) {
  std::vector<Option> options = {
      {"crypto-erase", nullptr, "give the DIMM a new media key (default)",
       Set(arguments.sanitize.crypto_erase), 'c'},
      {"overwrite", nullptr, "overwrite the media in the background, which takes hours",
       Set(arguments.sanitize.overwrite), 'o'},
      {"master-passphrase", nullptr, "erase with the master passphrase", Set(arguments.master),
       'm'},
      {"zero-key", nullptr, "erase a DIMM without a passphrase", Set(arguments.sanitize.zero_key),
       'z'},
      NoImageOption(arguments.no_image),
  };
  Append(options, DimmOptions(arguments.dimms));
  return options;
}

Result<void> CheckCombination(Arguments& arguments) {
  SanitizeOptions& sanitize = arguments.sanitize;
  if (arguments.master) sanitize.role = PassphraseRole::kMaster;
  if (!sanitize.overwrite) sanitize.crypto_erase = true;
  if (sanitize.overwrite && arguments.master) {
    return Fail(Errc::kUsage, "overwrite does not support master passphrase");
  }
  if (sanitize.zero_key && arguments.master) {
    return Fail(Errc::kUsage, "--zero-key conflicts with --master-passphrase");
  }
  return {};
}

Result<DimmReport> Run(const Invocation& invocation, Arguments& arguments) {
  std::vector<std::string> nmems =
      TRY(ParseDimms(invocation, arguments.dimms, OptionsFor(arguments)));
  TRY(CheckCombination(arguments));
  SanitizeOptions& sanitize = arguments.sanitize;
  sanitize.dry_run = arguments.dimms.dry_run;
  sanitize.on_step = ShowSteps(arguments.dimms);
  if (!arguments.no_image) {
    sanitize.refresh_images = ImageRefreshIfEnrolled(arguments.dimms.environment);
  }
  return SanitizeDimms(arguments.dimms.environment, nmems, sanitize);
}

}  // namespace

Result<int> RunSanitizeDimm(const Invocation& invocation) {
  Arguments arguments;
  arguments.dimms.names_only = true;
  DimmReport report = TRY(Run(invocation, arguments));
  return PrintDimmReport(arguments.dimms, report,
                         arguments.sanitize.overwrite ? "overwrite issued for" : "sanitized");
}

}  // namespace nvunlock
