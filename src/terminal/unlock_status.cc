// SPDX-License-Identifier: Apache-2.0
#include "src/terminal/unlock_status.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "src/os/file.h"
#include "src/terminal/output.h"

namespace nvunlock {
namespace {

using Json = nlohmann::ordered_json;

std::string DescribeState(const DimmOutcome& outcome) {
  std::string text = ToWord(outcome.after.security);
  if (outcome.revalidated) text += ", revalidated";
  if (outcome.after.frozen) text += ", frozen";
  return text;
}

/// What follows from a problem that has been explained needs no remedy of its own.
void PrintDimm(const DimmOutcome& outcome, const std::vector<Error>& explained) {
  std::string line =
      outcome.after.nmem + " " + outcome.after.id.spelling() + ": " + DescribeState(outcome);
  if (!outcome.problem) return PrintAndLog(LogLevel::kInfo, line);
  bool follows = std::any_of(explained.begin(), explained.end(), [&](const Error& problem) {
    return problem.code == outcome.problem->code;
  });
  line += ": " + (follows ? outcome.problem->message : Explain(*outcome.problem));
  PrintAndLog(LogLevel::kError, line);
}

Json ToJson(const DimmOutcome& outcome) {
  Json json = {{"dev", outcome.after.nmem},
               {"id", outcome.after.id.spelling()},
               {"security_before", ToWord(outcome.before.security)},
               {"security", ToWord(outcome.after.security)},
               {"security_frozen", outcome.after.frozen},
               {"revalidated", outcome.revalidated},
               {"enabled", outcome.after.bound}};
  if (outcome.problem) json["problem"] = outcome.problem->message;
  return json;
}

}  // namespace

void PrintUnlockReport(const UnlockReport& report) {
  for (const Error& problem : report.problems) PrintAndLog(LogLevel::kError, Explain(problem));
  for (const std::string& note : report.notes) PrintAndLog(LogLevel::kWarning, note);
  for (const DimmOutcome& outcome : report.dimms) PrintDimm(outcome, report.problems);
}

Result<void> WriteUnlockStatus(const Environment& environment, const UnlockReport& report,
                               int exit_code) {
  Json json = {{"exit_code", exit_code},
               {"dimms", Json::array()},
               {"problems", Json::array()},
               {"notes", report.notes}};
  for (const DimmOutcome& outcome : report.dimms) json["dimms"].push_back(ToJson(outcome));
  for (const Error& problem : report.problems) json["problems"].push_back(problem.message);
  TRY(MakeDirectories(environment.run_dir, 0755));
  return WriteFileDurably(environment.run_dir + "/status.json", FormatJson(json), 0600,
                          IfPresent::kReplace);
}

}  // namespace nvunlock
