// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/operations.bats, test/cli/operation_keks.bats.
#include "src/commands/commands.h"
#include "src/keys/clear_kek.h"
#include "src/os/prompt.h"
#include "src/passphrase/change_passphrase.h"
#include "src/terminal/dimm_command.h"
#include "src/terminal/image_options.h"
#include "src/terminal/output.h"

namespace nvunlock {
namespace {

struct Arguments {
  DimmCommand dimms;
  ChangeOptions change;
  bool no_image = false;
  bool import = false;
};

Option KeyHandleOption(std::optional<KekName>& kek) {
  return {"key-handle", "TYPE:NAME", "the kek that wraps the passphrase",
          [&kek](std::string_view value) -> Result<void> {
            Result<KekName> name = ParseKekName(value);
            if (!name) return Fail(Errc::kUsage, name.error().message);
            kek = std::move(*name);
            return {};
          },
          'k'};
}

Option MasterOption(PassphraseRole& role) {
  return {"master-passphrase", nullptr, "the master passphrase, which can only erase",
          [&role](std::string_view) -> Result<void> {
            role = PassphraseRole::kMaster;
            return {};
          },
          'm'};
}

std::vector<Option> OptionsFor(Arguments& arguments) {
  std::vector<Option> options;
  bool makes = arguments.change.change != PassphraseChange::kRemove;
  if (makes) options.push_back(KeyHandleOption(arguments.change.kek));
  options.push_back(MasterOption(arguments.change.role));
  if (arguments.change.change == PassphraseChange::kSetup) {
    options.push_back({"import-passphrase", nullptr,
                       "ask for the passphrase that the BIOS or ipmctl has set",
                       Set(arguments.import)});
  }
  options.push_back(NoImageOption(arguments.no_image));
  Append(options, DimmOptions(arguments.dimms));
  return options;
}

/// Where there is one kek, there is no question which.
Result<void> ChooseKek(Arguments& arguments) {
  if (arguments.change.kek || arguments.change.change != PassphraseChange::kSetup) return {};
  std::vector<KekName> keks = TRY(KeyStore(arguments.dimms.environment.keys_dir).EnrolledKeks());
  if (keks.size() != 1) return Fail(Errc::kUsage, "choose the kek with -k user:NAME");
  arguments.change.kek = keks.front();
  return {};
}

Result<std::optional<Secret>> AskForImport(const Arguments& arguments) {
  if (!arguments.import) return std::optional<Secret>();
  if (arguments.change.role == PassphraseRole::kMaster) {
    return Fail(Errc::kUsage, "a master passphrase cannot be imported");
  }
  Secret typed = TRY(AskSecret({.text = "Current passphrase of the DIMMs"}));
  Secret passphrase = TRY(PassphraseFromText(typed.bytes()));
  return std::optional<Secret>(std::move(passphrase));
}

/// What an admin has to know of passphrases that DIMMs have now.
void AddWarnings(const Arguments& arguments, DimmReport& report) {
  const ChangeOptions& change = arguments.change;
  if (change.change == PassphraseChange::kRemove) return;
  if (change.role == PassphraseRole::kMaster) {
    report.notes.emplace_back(
        "a lost master passphrase can never be replaced; keep a copy of its blob and of the kek");
  } else if (!arguments.no_image && !change.refresh_images) {
    report.notes.push_back(
        "no boot will unlock by itself until you seal the kek to a TPM with 'nvunlock enroll "
        "--import" +
        (change.kek ? OptionForKek(*change.kek) : "") +
        "'; until then use 'nvunlock load-keys' and 'nvunlock enable-dimm all'");
  }
}

Result<DimmReport> Run(const Invocation& invocation, Arguments& arguments) {
  std::vector<std::string> nmems =
      TRY(ParseDimms(invocation, arguments.dimms, OptionsFor(arguments)));
  TRY(ChooseKek(arguments));
  std::optional<Secret> import = TRY(AskForImport(arguments));
  arguments.change.import = import ? &*import : nullptr;
  arguments.change.dry_run = arguments.dimms.dry_run;
  arguments.change.on_step = ShowSteps(arguments.dimms);
  if (!arguments.no_image) {
    arguments.change.refresh_images = ImageRefreshIfEnrolled(arguments.dimms.environment);
  }
  DimmReport report = ChangePassphrases(arguments.dimms.environment, nmems, arguments.change);
  if (report.CountDone() > 0 && !arguments.dimms.dry_run) AddWarnings(arguments, report);
  return report;
}

Result<int> ChangeAndReport(const Invocation& invocation, PassphraseChange change,
                            const char* words) {
  Arguments arguments;
  arguments.change.change = change;
  DimmReport report = TRY(Run(invocation, arguments));
  return PrintDimmReport(arguments.dimms, report, words);
}

}  // namespace

Result<int> RunSetupPassphrase(const Invocation& invocation) {
  return ChangeAndReport(invocation, PassphraseChange::kSetup, "passphrase enabled for");
}

Result<int> RunUpdatePassphrase(const Invocation& invocation) {
  return ChangeAndReport(invocation, PassphraseChange::kUpdate, "passphrase updated for");
}

Result<int> RunRemovePassphrase(const Invocation& invocation) {
  return ChangeAndReport(invocation, PassphraseChange::kRemove, "passphrase removed for");
}

}  // namespace nvunlock
