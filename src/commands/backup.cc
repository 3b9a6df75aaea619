// SPDX-License-Identifier: Apache-2.0
#include "src/backup/backup.h"

#include <nlohmann/json.hpp>

#include "src/commands/commands.h"
#include "src/os/keyring.h"
#include "src/terminal/options.h"
#include "src/terminal/output.h"

namespace nvunlock {
namespace {

using Json = nlohmann::ordered_json;

/// The one argument of both commands.
Result<std::string> ParseFile(const Invocation& invocation, const std::vector<Option>& options) {
  std::vector<std::string> files = TRY(ParseOptions(invocation, options));
  if (files.size() == 1 && files[0] != "-") return files[0];
  return Fail(Errc::kUsage, "name one backup file; standard input and output are not supported");
}

void PrintReport(const BackupReport& report, const std::string& path, const std::string& keys_dir) {
  Print("wrote " + path + ": " + std::to_string(report.files.size()) + " files of " + keys_dir +
        "\n");
  for (const std::string& kek : report.keks) Print("opens with " + kek + "\n");
  Print(
      "checked: these keks open every blob, and the file was read back\n"
      "Keep it away from this machine.\n");
}

void PrintContent(const std::vector<TarFile>& files, bool as_json) {
  Json list = Json::array();
  for (const TarFile& file : files) {
    if (!as_json) Print(std::to_string(file.content.size()) + " " + file.name + "\n");
    list.push_back({{"name", file.name}, {"size", file.content.size()}});
  }
  if (as_json) PrintJson({{"files", list}});
}

void PrintReport(const RestoreReport& report, const std::string& keys_dir) {
  for (const std::string& name : report.written) Print("restored " + name + "\n");
  for (const std::string& name : report.replaced) {
    Print("restored " + name + "; the old one is " + name + ".before-restore\n");
  }
  Print(std::to_string(report.same.size()) + " files were already in " + keys_dir + "\n");
  Print(
      "If the TPM has changed, run 'nvunlock load-keys --recovery' and 'nvunlock reseal'. Then "
      "rebuild the initramfs image: 'nvunlock refresh-images'.\n");
}

}  // namespace

Result<int> RunBackup(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  bool as_json = false;
  std::vector<Option> options = {JsonOption(as_json)};
  Append(options, EnvironmentOptions(environment));
  std::string path = TRY(ParseFile(invocation, options));
  TRY(JoinSessionWith(Keyring(environment.keyring)));
  BackupReport report = TRY(WriteBackup(environment, path));
  for (const std::string& note : report.notes) PrintError(note);
  if (as_json) {
    PrintJson({{"path", path}, {"files", report.files}, {"opens_with", report.keks}});
  } else {
    PrintReport(report, path, environment.keys_dir);
  }
  return 0;
}

Result<int> RunRestore(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  bool list = false;
  bool force = false;
  bool as_json = false;
  std::vector<Option> options = {
      {"list", nullptr, "show the backup's contents, and write nothing", Set(list)},
      {"force", nullptr, "replace files that differ; keep the old ones as NAME.before-restore",
       Set(force)},
      JsonOption(as_json)};
  Append(options, EnvironmentOptions(environment));
  std::string path = TRY(ParseFile(invocation, options));
  std::vector<TarFile> files = TRY(ReadBackup(path));
  if (list) {
    PrintContent(files, as_json);
    return 0;
  }
  RestoreReport report = TRY(RestoreFiles(files, environment.keys_dir, force));
  if (as_json) {
    PrintJson({{"restored", report.written}, {"replaced", report.replaced}, {"same", report.same}});
  } else {
    PrintReport(report, environment.keys_dir);
  }
  return 0;
}

}  // namespace nvunlock
