#include "src/backup/backup.h"

#include <ctime>
#include <nlohmann/json.hpp>

#include "src/backup/restore.h"
#include "src/commands/commands.h"
#include "src/os/process.h"
#include "src/terminal/options.h"
#include "src/terminal/output.h"
#include "src/terminal/questions.h"

namespace nvunlock {
namespace {

using Json = nlohmann::ordered_json;

/// The one argument of both commands.
Result<std::string> ParseFile(const Invocation& invocation, const std::vector<Option>& options) {
  std::vector<std::string> files = TRY(ParseOptions(invocation, options));
  if (files.size() != 1) return Fail(Errc::kUsage, "say which file, and only one");
  // Read back it could not be, and a terminal is no place for it.
  if (files[0] == "-")
    return Fail(Errc::kUsage, "a backup is a file, not standard output or input");
  return files[0];
}

void PrintReport(const BackupReport& report, const std::string& path, const std::string& keys_dir) {
  Print("wrote " + path + ": " + std::to_string(report.files.size()) + " files of " + keys_dir +
        "\n");
  for (const std::string& kek : report.keks) Print("opens with " + kek + "\n");
  Print("proved: it was read back and opened\nKeep it away from this machine.\n");
}

Result<void> BackUp(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  bool as_json = false;
  std::vector<Option> options = {JsonOption(as_json)};
  Append(options, EnvironmentOptions(environment));
  std::string path = TRY(ParseFile(invocation, options));
  TRY(JoinSessionWith(Keyring(environment.keyring)));
  BackupOrigin origin = {.host = HostName(), .version = invocation.version, .time = time(nullptr)};
  BackupReport report = TRY(WriteBackup(environment, origin, path));
  for (const std::string& note : report.notes) PrintError(note);
  if (as_json) {
    PrintJson({{"path", path}, {"files", report.files}, {"opens_with", report.keks}});
  } else {
    PrintReport(report, path, environment.keys_dir);
  }
  return {};
}

void PrintContent(const OpenedBackup& backup) {
  Print(backup.about);
  for (const TarFile& file : backup.files) {
    Print(std::to_string(file.content.size()) + " " + file.name + "\n");
  }
}

Json ToJson(const OpenedBackup& backup) {
  Json files = Json::array();
  for (const TarFile& file : backup.files) {
    files.push_back({{"name", file.name}, {"size", file.content.size()}});
  }
  return {{"about", backup.about}, {"files", files}};
}

Json ToJson(const RestoreReport& report) {
  return {{"restored", report.written}, {"replaced", report.replaced}, {"same", report.same}};
}

void PrintReport(const RestoreReport& report, const std::string& keys_dir) {
  for (const std::string& name : report.written) Print("restored " + name + "\n");
  for (const std::string& name : report.replaced) {
    Print("restored " + name + ", the old one is " + name + ".before-restore\n");
  }
  Print(std::to_string(report.same.size()) + " files were in " + keys_dir + " already\n");
  Print(
      "If the TPM is another one now, run 'nvunlock load-keys --recovery' and 'nvunlock reseal'. "
      "Then rebuild the initramfs image: 'nvunlock refresh-images'.\n");
}

Result<void> Restore(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  bool list = false;
  bool force = false;
  bool as_json = false;
  std::vector<Option> options = {
      {"list", nullptr, "show what is in it, and write nothing", Set(list)},
      {"force", nullptr, "replace files that differ; the old are kept as NAME.before-restore",
       Set(force)},
      JsonOption(as_json)};
  Append(options, EnvironmentOptions(environment));
  std::string path = TRY(ParseFile(invocation, options));
  TRY(JoinSessionWith(Keyring(environment.keyring)));
  OpenedBackup backup = TRY(OpenBackup(path, Keyring(environment.keyring), AskForRecovery));
  if (list) {
    as_json ? PrintJson(ToJson(backup)) : PrintContent(backup);
    return {};
  }
  RestoreReport report = TRY(RestoreFiles(backup, environment.keys_dir, force));
  as_json ? PrintJson(ToJson(report)) : PrintReport(report, environment.keys_dir);
  return {};
}

}  // namespace

Result<int> RunBackup(const Invocation& invocation) {
  Result<void> done = BackUp(invocation);
  return done ? 0 : Report(done.error());
}

Result<int> RunRestore(const Invocation& invocation) {
  Result<void> done = Restore(invocation);
  return done ? 0 : Report(done.error());
}

}  // namespace nvunlock
