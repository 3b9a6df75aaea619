// SPDX-License-Identifier: Apache-2.0
#include "src/records/unlearnt.h"

#include <algorithm>

#include "src/base/text.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

constexpr size_t kListLimit = 64 << 10;

std::string ListPath(const Environment& environment) {
  return environment.run_dir + "/" + kUnlearntFile;
}

}  // namespace

Result<void> RecordUnlearnt(const Environment& environment, const KekName& kek) {
  std::vector<KekName> keks = TRY(ReadUnlearnt(environment));
  if (std::find(keks.begin(), keks.end(), kek) == keks.end()) keks.push_back(kek);
  std::string text;
  for (const KekName& name : keks) text += name.ToString() + "\n";
  TRY(MakeDirectories(environment.run_dir, 0755));
  return WriteFileDurably(ListPath(environment), text, 0600, IfPresent::kReplace);
}

Result<std::vector<KekName>> ReadUnlearnt(const Environment& environment) {
  std::vector<KekName> keks;
  if (!Exists(ListPath(environment))) return keks;
  std::string text = TRY(ReadFile(ListPath(environment), kListLimit));
  for (std::string_view line : Split(text, '\n')) {
    if (!line.empty()) keks.push_back(TRY_IN(ListPath(environment), ParseKekName(line)));
  }
  return keks;
}

Result<void> ForgetUnlearnt(const Environment& environment) {
  return RemoveDurably(ListPath(environment));
}

}  // namespace nvunlock
