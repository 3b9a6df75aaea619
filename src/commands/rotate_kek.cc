#include "src/passphrase/rotate_kek.h"

#include <nlohmann/json.hpp>

#include "src/commands/commands.h"
#include "src/commands/dimm_command.h"
#include "src/commands/image_options.h"
#include "src/commands/output.h"
#include "src/image/stale_keys.h"
#include "src/keys/recorded_blobs.h"
#include "src/keys/select_blobs.h"
#include "src/model/dimm_id.h"
#include "src/model/key_store.h"
#include "src/os/keyring.h"
#include "src/os/process.h"

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
      {"json", nullptr, "as JSON: the blobs, or with --revoke the DIMMs",
       Set(arguments.common.as_json)},
  };
  Append(options, EnvironmentOptions(arguments.common.environment));
  TRY(ParseOptionsOnly(invocation, options));
  if (arguments.rotate.to.description.empty()) {
    return Fail(Errc::kUsage, "say which kek takes its place: --to=user:NAME");
  }
  return JoinSessionWith(Keyring(arguments.common.environment.keyring));
}

/// The DIMMs that have a user passphrase here. Fails when one of them is not there, or cannot be
/// told: its old passphrase would stay in force.
Result<std::vector<std::string>> DimmsWithBlobs(const Environment& environment) {
  NdBus bus(environment.sysfs_root);
  KeyStore store(environment.keys_dir);
  std::vector<std::string> notes;  // the change that follows has them
  RecordedBlobs recorded = FindRecordedBlobs(store, Keyring(environment.keyring), notes);
  BlobChoice choice = TRY(ChooseBlobs(store, HostName(), recorded));
  if (!choice.unusable.empty()) {
    return Failure(Error(choice.unusable.begin()->second).Within(choice.unusable.begin()->first));
  }
  std::vector<std::string> nmems;
  for (const std::string& nmem : bus.Nmems()) {
    Dimm dimm = TRY(InspectDimm(bus, nmem));
    if (choice.chosen.erase(CanonicalDimmId(dimm.id)) > 0) nmems.push_back(nmem);
  }
  if (choice.chosen.empty()) return nmems;
  return Fail("there is a blob for DIMM " + choice.chosen.begin()->first +
              ", which is not in this machine; remove it, or revoke where the DIMM is");
}

Result<int> UpdateAll(const Arguments& arguments) {
  const Environment& environment = arguments.common.environment;
  std::vector<std::string> nmems = TRY(DimmsWithBlobs(environment));
  ChangeOptions change = {.change = PassphraseChange::kUpdate,
                          .kek = arguments.rotate.to,
                          .host = HostName(),
                          .refresh_images = arguments.rotate.refresh_images,
                          .on_step = arguments.rotate.on_step};
  DimmReport report = ChangePassphrases(environment, nmems, change);
  return PrintDimmReport(arguments.common, report, "passphrase updated for");
}

/// They can be changed only while a DIMM has no other.
Result<void> MentionMasters(const Environment& environment) {
  KeyStore store(environment.keys_dir);
  auto blobs = TRY(store.Blobs({PassphraseRole::kMaster, BlobStage::kCurrent}));
  if (blobs.empty()) return {};
  PrintError(
      "master passphrases are as they were: whoever has an old kek and an old blob of one can "
      "erase its DIMM");
  return {};
}

/// What still holds keys that are worth nothing now.
void PrintOldKeys(const Environment& environment) {
  for (const std::string& line : FindOldKeys(environment, HostName())) PrintError(line);
}

Result<int> Revoke(const Arguments& arguments) {
  const Environment& environment = arguments.common.environment;
  int exit_code = TRY(UpdateAll(arguments));
  if (exit_code != 0) return exit_code;
  TRY(RetireKek(environment, arguments.rotate.from));
  TRY(MentionMasters(environment));
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
