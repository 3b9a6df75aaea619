#include "src/procedures/rotate_kek.h"

#include "src/commands/commands.h"
#include "src/commands/dimm_command.h"
#include "src/commands/image_options.h"
#include "src/commands/output.h"
#include "src/model/dimm_id.h"
#include "src/model/key_store.h"
#include "src/os/keyring.h"
#include "src/os/process.h"
#include "src/procedures/choose_blobs.h"
#include "src/procedures/old_keys.h"

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
  to.help = "the kek that takes its place; it is enrolled already";
  std::vector<Option> options = {
      KekOption(arguments.rotate.from),
      to,
      {"revoke", nullptr,
       "give every DIMM another passphrase, too, so that old keks and blobs are worth nothing",
       Set(arguments.revoke)},
      NoImageOption(arguments.no_image),
      {"verbose", nullptr, "show each step", Set(arguments.common.verbose), 'v'},
      {"dry-run", nullptr, "only show what would be wrapped", Set(arguments.common.dry_run)},
      {"json", nullptr, "results of --revoke as JSON", Set(arguments.common.as_json)},
  };
  Append(options, EnvironmentOptions(arguments.common.environment));
  TRY(ParseOptionsOnly(invocation, options));
  if (arguments.rotate.to.description.empty()) {
    return Fail(Errc::kUsage, "say which kek takes its place: --to=user:NAME");
  }
  return JoinSessionWith(Keyring(arguments.common.environment.keyring));
}

/// The DIMMs that have a blob of ROLE.
Result<std::vector<std::string>> DimmsWithBlobs(const Environment& environment,
                                                PassphraseRole role) {
  NdBus bus(environment.sysfs_root);
  BlobChoice choice =
      TRY(ChooseBlobs(KeyStore(environment.keys_dir), HostName(), std::nullopt, role));
  std::vector<std::string> nmems;
  for (const std::string& nmem : bus.Nmems()) {
    Dimm dimm = TRY(InspectDimm(bus, nmem));
    if (choice.chosen.contains(CanonicalDimmId(dimm.id))) nmems.push_back(nmem);
  }
  return nmems;
}

Result<int> UpdateAll(const Arguments& arguments, PassphraseRole role) {
  const Environment& environment = arguments.common.environment;
  std::vector<std::string> nmems = TRY(DimmsWithBlobs(environment, role));
  if (nmems.empty()) return 0;
  ChangeOptions change = {.change = PassphraseChange::kUpdate,
                          .role = role,
                          .kek = arguments.rotate.to,
                          .host = HostName(),
                          .refresh_images = arguments.rotate.refresh_images,
                          .on_step = arguments.rotate.on_step};
  const char* words =
      role == PassphraseRole::kMaster ? "master passphrase updated for" : "passphrase updated for";
  return PrintDimmReport(arguments.common, ChangePassphrases(environment, nmems, change), words);
}

/// What still holds keys that are worth nothing now.
void PrintOldKeys(const Environment& environment) {
  for (const std::string& line : FindOldKeys(environment, HostName())) PrintError(line);
}

Result<int> Revoke(const Arguments& arguments) {
  int exit_code = 0;
  for (PassphraseRole role : {PassphraseRole::kUser, PassphraseRole::kMaster}) {
    int code = TRY(UpdateAll(arguments, role));
    if (exit_code == 0) exit_code = code;
  }
  if (exit_code == 0) {
    TRY(RetireKek(arguments.common.environment, arguments.rotate.from));
    PrintOldKeys(arguments.common.environment);
  }
  return exit_code;
}

void PrintWrapped(const Arguments& arguments, const RotateReport& report) {
  const char* verb = arguments.common.dry_run ? "would wrap " : "wrapped ";
  for (const std::string& name : report.rewrapped) {
    Print(verb + name + " under " + arguments.rotate.to.ToString() + "\n");
  }
  if (arguments.common.dry_run || arguments.revoke) return;
  Print("This revokes nothing: " + arguments.rotate.from.ToString() +
        " and an old copy of a blob, in a backup or an image, still give its passphrase; "
        "--revoke changes the passphrases, too.\n");
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

int RunRotateKek(const Invocation& invocation) {
  Arguments arguments;
  Result<int> exit_code = Run(invocation, arguments);
  return exit_code ? *exit_code : Report(exit_code.error());
}

}  // namespace nvunlock
