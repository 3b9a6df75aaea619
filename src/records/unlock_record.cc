// SPDX-License-Identifier: Apache-2.0
#include "src/records/unlock_record.h"

#include "src/base/text.h"
#include "src/model/blob_record.h"
#include "src/model/dimm_id.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

constexpr size_t kLimit = 64 << 10;
constexpr std::string_view kRecordWord = "record ";

std::string PathIn(const Environment& environment) {
  return environment.run_dir + "/unlocked-with";
}

void AddBlob(const std::vector<std::string_view>& words, UnlockedWith& blobs) {
  bool has_words = words.size() == 3 || words.size() == 4;
  if (!has_words || (words[2] != "frozen" && words[2] != "open")) return;
  blobs.emplace(std::string(words[0]),
                UnlockedBlob{.hash = std::string(words[1]),
                             .frozen = words[2] == "frozen",
                             .rewrapped = std::string(words.size() == 4 ? words[3] : "")});
}

/// The line of a blob that is in BLOBS.
void AddLine(std::string_view text, UnlockedWith& blobs) {
  std::optional<RecordLine> line = ParseRecordLine(text);
  if (!line) return;
  for (auto& [id, blob] : blobs) {
    if (PassphraseName(PassphraseRole::kUser, id) == line->passphrase) blob.line = *line;
  }
}

}  // namespace

Result<void> WriteUnlockedWith(const Environment& environment, const UnlockedWith& blobs) {
  std::string text =
      "# DIMM, SHA-256 of the blob that unlocked it in this boot, whether it is frozen, and the\n"
      "# SHA-256 of that blob under another kek; then its line for enrolled-dimms\n";
  for (const auto& [id, blob] : blobs) {
    text += id.canonical() + " " + blob.hash + (blob.frozen ? " frozen" : " open");
    text += (blob.rewrapped.empty() ? "" : " " + blob.rewrapped) + "\n";
    if (blob.line) text += std::string(kRecordWord) + blob.line->ToString() + "\n";
  }
  TRY(MakeDirectories(environment.run_dir, 0755));
  return WriteFileDurably(PathIn(environment), text, 0600, IfPresent::kReplace);
}

Result<void> RecordChange(const Environment& environment, const DimmId& id,
                          const std::string& hash) {
  UnlockedWith blobs = ReadUnlockedWith(environment);
  if (blobs.erase(id) == 0) return {};
  if (!hash.empty()) blobs[id] = {.hash = hash};
  return WriteUnlockedWith(environment, blobs);
}

UnlockedWith ReadUnlockedWith(const Environment& environment) {
  UnlockedWith blobs;
  std::string text = ReadFile(PathIn(environment), kLimit).value_or("");
  for (std::string_view line : Split(text, '\n')) {
    if (line.starts_with(kRecordWord)) {
      AddLine(line.substr(kRecordWord.size()), blobs);
    } else {
      AddBlob(Split(line, ' '), blobs);
    }
  }
  return blobs;
}

bool HasUnlocked(const UnlockedWith& blobs, const DimmId& id, const Candidate& candidate) {
  auto entry = blobs.find(id);
  return entry != blobs.end() && entry->second.Is(HashOfBlob(candidate.blob.text));
}

}  // namespace nvunlock
