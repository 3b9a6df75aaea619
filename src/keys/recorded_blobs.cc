// SPDX-License-Identifier: Apache-2.0
#include "src/keys/recorded_blobs.h"

#include <algorithm>
#include <set>

#include "src/keys/kek_in_keyring.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

/// Some thousand lines: far more than any machine has DIMMs.
constexpr size_t kLimit = 1 << 20;

std::string PathIn(const KeyStore& store) {
  return store.PathOf(kEnrolledDimmsFile);
}

}  // namespace

BlobRecord ReadBlobRecord(const KeyStore& store, std::vector<std::string>& notes) {
  if (!Exists(PathIn(store))) return {};
  Result<std::string> text = ReadFile(PathIn(store), kLimit);
  if (!text) {
    notes.push_back(PathIn(store) + " is not used: " + text.error().message);
    return {};
  }
  BlobRecord record = ParseBlobRecord(*text);
  NoteDamagedLines(store, record.damaged, notes);
  return record;
}

Result<std::string> HashOfRecordFile(const KeyStore& store) {
  if (!Exists(PathIn(store))) return {""};
  return HashOfBlob(TRY(ReadFile(PathIn(store), kLimit)));
}

void NoteDamagedLines(const KeyStore& store, size_t count, std::vector<std::string>& notes) {
  if (count == 0) return;
  notes.push_back(PathIn(store) + ": " + std::to_string(count) +
                  (count == 1 ? " line is" : " lines are") +
                  " damaged, or not made by nvunlock, and not used");
}

RecordedBlobs FindRecordedBlobs(const KeyStore& store, const Keyring& keyring,
                                std::vector<std::string>& notes) {
  BlobRecord record = ReadBlobRecord(store, notes);
  std::set<std::string> keks;
  for (const RecordLine& line : record.lines) keks.insert(line.kek);
  RecordedBlobs recorded;
  for (const std::string& text : keks) {
    Result<KekName> name = ParseKekName(text);
    Result<Secret> kek = name ? ReadKek(keyring, *name) : Failure(std::move(name.error()));
    if (!kek) continue;
    size_t damaged = AddAuthentic(record, *name, *kek, recorded).value_or(0);
    NoteDamagedLines(store, damaged, notes);
  }
  return recorded;
}

Result<bool> ChangeBlobRecord(const KeyStore& store,
                              const std::function<bool(const RecordLine&)>& drops,
                              const std::vector<RecordLine>& lines) {
  std::vector<std::string> damage;  // what is damaged goes when it is written anew
  const std::vector<RecordLine> before = ReadBlobRecord(store, damage).lines;
  std::vector<RecordLine> after = before;
  std::erase_if(after, drops);
  for (const RecordLine& line : lines) {
    if (std::find(after.begin(), after.end(), line) == after.end()) after.push_back(line);
  }
  if (after == before) return false;
  TRY(WriteFileDurably(PathIn(store), FormatBlobRecord(after), 0600, IfPresent::kReplace));
  return true;
}

}  // namespace nvunlock
