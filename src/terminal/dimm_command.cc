// SPDX-License-Identifier: Apache-2.0
#include "src/terminal/dimm_command.h"

#include <nlohmann/json.hpp>

#include "src/base/text.h"
#include "src/os/keyring.h"
#include "src/terminal/output.h"

namespace nvunlock {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const DimmResult& result, bool dry_run) {
  Json json = {{"dev", result.dimm.nmem},
               {"id", result.dimm.id.spelling()},
               {"security", ToWord(result.dimm.security)}};
  if (result.dimm.frozen) json["security_frozen"] = true;
  json["result"] = result.problem ? "failed" : dry_run ? "planned" : "done";
  if (result.problem) json["error"] = result.problem->message;
  if (!result.planned.empty()) json["plan"] = result.planned;
  return json;
}

void PrintPlan(const DimmReport& report) {
  for (const DimmResult& result : report.dimms) {
    for (const std::string& action : result.planned) {
      Print(result.dimm.nmem + ": would " + action + "\n");
    }
  }
}

Json ToJson(const DimmReport& report, bool dry_run) {
  Json json = Json::array();
  for (const DimmResult& result : report.dimms) json.push_back(ToJson(result, dry_run));
  return json;
}

Result<void> CheckNames(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    if (!ParseUnsigned(argument)) continue;
    return Fail(Errc::kUsage, "'" + argument + "' is not a valid dimm name; write nmem" + argument);
  }
  return {};
}

}  // namespace

std::vector<Option> DimmOptions(DimmCommand& command) {
  std::vector<Option> options = FilterOptions(command.filter);
  options.push_back({"verbose", nullptr, "show each step", Set(command.verbose), 'v'});
  options.push_back({"json", nullptr, "print results as JSON", Set(command.as_json)});
  options.push_back(
      {"dry-run", nullptr, "show what would be written, and write nothing", Set(command.dry_run)});
  Append(options, EnvironmentOptions(command.environment));
  return options;
}

Result<std::vector<std::string>> ParseDimms(const Invocation& invocation,
                                            const DimmCommand& command,
                                            const std::vector<Option>& options) {
  std::vector<std::string> arguments = TRY(ParseOptions(invocation, options));
  if (command.names_only) TRY(CheckNames(arguments));
  NdBus bus(command.environment.sysfs_root);
  bus.WaitForProbes();
  std::vector<std::string> nmems = TRY(SelectDimms(bus, arguments, command.filter));
  TRY(JoinSessionWith(Keyring(command.environment.keyring)));
  return nmems;
}

StepListener ShowSteps(const DimmCommand& command) {
  if (command.verbose) return PrintError;
  if (ErrorsGoToTerminal()) return PrintProgress;
  return {};
}

int PrintDimmReport(const DimmCommand& command, const DimmReport& report,
                    const std::string& words) {
  EndProgress();
  for (const std::string& note : report.notes) PrintError(note);
  int exit_code = 0;
  for (const Error& problem : report.problems) exit_code = Report(problem);
  for (const DimmResult& result : report.dimms) {
    if (!result.problem) continue;
    int code = Report(Error(*result.problem).Within(result.dimm.nmem));
    if (exit_code == 0) exit_code = code;
  }
  if (command.as_json) {
    PrintJson(ToJson(report, command.dry_run));
  } else {
    PrintPlan(report);
  }
  if (!command.dry_run) PrintError(words + " " + CountNmems(report.CountDone()) + ".");
  return exit_code;
}

}  // namespace nvunlock
