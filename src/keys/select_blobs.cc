// SPDX-License-Identifier: Apache-2.0
#include "src/keys/select_blobs.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "src/model/dimm_id.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

Failure Incomplete(std::string reason) {
  return Fail(Errc::kKeysIncomplete, std::move(reason));
}

/// In a patched image a blob that is gone is an empty file: none beside one that is not, and one
/// where there are only such.
void DropEmptied(const KeyStore& store, std::vector<BlobName>& files) {
  auto is_empty = [&](const BlobName& file) { return IsEmpty(store.PathOf(file.name)); };
  bool all_are = std::all_of(files.begin(), files.end(), is_empty);
  auto first = files.begin() + (all_are && !files.empty() ? 1 : 0);
  files.erase(std::remove_if(first, files.end(), is_empty), files.end());
}

FoundBlob ReadFound(const KeyStore& store, BlobName file) {
  Result<Enc32Blob> blob = store.ReadBlob(file);
  if (blob) {
    std::string hash = HashOfBlob(blob->text);
    return {std::move(file), std::move(hash), std::move(blob)};
  }
  std::string hash = HashOfBlob(store.ReadBlobText(file).value_or(""));
  return {std::move(file), std::move(hash), Incomplete(blob.error().message)};
}

using Files = std::vector<const FoundBlob*>;

/// Chooses among the blobs of one DIMM.
class Chooser {
 public:
  Chooser(const ChoiceRules& rules, const RecordedBlobs& recorded, const DimmId& id)
      : rules_(rules), recorded_(recorded), passphrase_(PassphraseName(rules.role, id)) {}

  Result<ChosenBlob> Choose(std::vector<FoundBlob> found) {
    for (FoundBlob& file : found) Sort(file);
    Result<Candidate> current = SelectUnknown(BlobStage::kCurrent);
    if (current) Queue(std::move(*current));
    if (queue_.empty() && is_ambiguous_) return Failure(std::move(current.error()));
    for (BlobStage stage : {BlobStage::kStaged, BlobStage::kReplaced}) {
      Result<Candidate> left = SelectUnknown(stage);
      if (left) Queue(std::move(*left));
    }
    if (queue_.empty()) return WhyNone(std::move(current.error()));
    bool has_current = current || queue_[0].file.kind.stage == BlobStage::kCurrent;
    if (!has_current) why_not_current_ = current.error().message;
    ChosenBlob chosen = {std::move(queue_[0]), std::nullopt};
    if (queue_.size() > 1) chosen.spare = std::move(queue_[1]);
    return chosen;
  }

  /// Why the blob that was chosen, or was the only choice, is not a current one; else empty.
  [[nodiscard]] const std::string& why_not_current() const { return why_not_current_; }

 private:
  void Sort(FoundBlob& file) {
    std::set<std::string> names;
    if (file.blob) names = recorded_.PassphrasesOf(*file.blob);
    if (names.contains(passphrase_)) return Queue({file.file, *file.blob, /*recorded=*/true});
    if (!names.empty()) {
      file.blob = Incomplete(rules_.directory + "/" + file.file.name + ": it is the blob of " +
                             DescribePassphrase(*names.begin()));
    }
    unknown_.push_back(&file);
  }

  static std::string DescribePassphrase(const std::string& name) {
    return "DIMM " + name.substr(name.find(':') + 1) +
           (name.starts_with(PassphraseName(PassphraseRole::kMaster, "")) ? " (master passphrase)"
                                                                          : "");
  }

  /// The same passphrase again would only use up a try.
  void Queue(Candidate candidate) {
    auto is_same = [&](const Candidate& other) {
      return other.blob.payload == candidate.blob.payload;
    };
    if (std::none_of(queue_.begin(), queue_.end(), is_same)) queue_.push_back(std::move(candidate));
  }

  Result<Candidate> SelectUnknown(BlobStage stage) {
    Files files;
    Files own;
    for (const FoundBlob* file : unknown_) {
      if (file->file.kind.stage != stage) continue;
      files.push_back(file);
      if (file->file.host == rules_.host) own.push_back(file);
    }
    if (files.empty()) return Incomplete("there is no blob for it in " + rules_.directory);
    const Files& few = own.empty() ? files : own;
    if (!AreTheSame(few)) return Ambiguous(files.size(), own.empty());
    if (!few[0]->blob) return Failure(few[0]->blob.error());
    return Candidate{few[0]->file, *few[0]->blob};
  }

  /// Where there is no current one, it is what is wrong with the one that a change has left.
  Failure WhyNone(Error why) {
    const FoundBlob& first = *unknown_[0];
    if (first.blob || first.file.kind.stage == BlobStage::kCurrent) return Failure(std::move(why));
    why_not_current_ = std::move(why.message);
    return Failure(Error(first.blob.error()).Within(first.file.name));
  }

  /// A CXL serial has several spellings, so that a host may have more than one.
  static bool AreTheSame(const Files& files) {
    return std::all_of(files.begin(), files.end(),
                       [&](const FoundBlob* file) { return file->hash == files[0]->hash; });
  }

  Failure Ambiguous(size_t count, bool none_is_own) {
    is_ambiguous_ = true;
    return Incomplete(std::to_string(count) + " blobs in " + rules_.directory + ", and " +
                      (none_is_own ? "none is" : "several are") + " of this host (" + rules_.host +
                      "); leave only the right one there");
  }

  const ChoiceRules& rules_;
  const RecordedBlobs& recorded_;
  std::string passphrase_;
  std::vector<const FoundBlob*> unknown_;
  std::vector<Candidate> queue_;  ///< in the order in which the DIMM is to be sent them
  bool is_ambiguous_ = false;
  std::string why_not_current_;
};

size_t CountCurrent(const std::vector<FoundBlob>& found) {
  return static_cast<size_t>(std::count_if(found.begin(), found.end(), [](const FoundBlob& file) {
    return file.file.kind.stage == BlobStage::kCurrent;
  }));
}

void AddMissing(const FoundBlobs& found, const RecordedBlobs& recorded, const ChoiceRules& rules,
                BlobChoice& choice) {
  const std::string prefix = PassphraseName(rules.role, "");
  for (const RecordLine& line : recorded.lines()) {
    if (!line.passphrase.starts_with(prefix)) continue;
    std::string id = line.passphrase.substr(prefix.size());
    if (found.contains(id)) continue;
    choice.missing.emplace(
        id, Error{Errc::kKeysIncomplete, "it is recorded in " + std::string(kEnrolledDimmsFile) +
                                             ", but its blob is missing from " + rules.directory});
  }
}

}  // namespace

Result<FoundBlobs> FindBlobs(const KeyStore& store, const ChoiceRules& rules) {
  std::map<DimmId, std::vector<BlobName>> current;
  FoundBlobs found;
  for (BlobName& file : TRY(store.AllBlobs())) {
    if (file.kind.role != rules.role) continue;
    const DimmId& id = file.dimm_id;
    if (file.kind.stage == BlobStage::kCurrent) {
      current[id].push_back(std::move(file));
    } else {
      found[id].push_back(ReadFound(store, std::move(file)));
    }
  }
  for (auto& [id, files] : current) {
    DropEmptied(store, files);
    for (BlobName& file : files) found[id].push_back(ReadFound(store, std::move(file)));
  }
  auto rank = [&](const FoundBlob& blob) {
    return std::tuple(blob.file.kind.stage, blob.file.host != rules.host);
  };
  for (auto& [id, files] : found) {
    std::stable_sort(files.begin(), files.end(),
                     [&](const FoundBlob& a, const FoundBlob& b) { return rank(a) < rank(b); });
  }
  return found;
}

BlobChoice ChooseAmong(const FoundBlobs& found, const RecordedBlobs& recorded,
                       const ChoiceRules& rules) {
  BlobChoice choice;
  for (const auto& [id, files] : found) {
    Chooser chooser(rules, recorded, id);
    Result<ChosenBlob> chosen = chooser.Choose(files);
    if (!chosen) {
      if (!chooser.why_not_current().empty()) {
        choice.notes.push_back(id.canonical() + ": " + chooser.why_not_current() + "; " +
                               chosen.error().message);
      }
      choice.unusable.emplace(id, std::move(chosen.error()));
      continue;
    }
    if (!chooser.why_not_current().empty()) {
      choice.notes.push_back(id.canonical() + ": " + chooser.why_not_current() + ", using " +
                             chosen->file.name);
    } else if (size_t count = CountCurrent(files); count > 1) {
      choice.notes.push_back(std::to_string(count) + " blobs for " + id.canonical() + ", using " +
                             chosen->file.name);
    }
    choice.chosen.emplace(id, std::move(*chosen));
  }
  AddMissing(found, recorded, rules, choice);
  return choice;
}

Result<BlobChoice> ChooseBlobs(const KeyStore& store, const std::string& host,
                               const RecordedBlobs& recorded, PassphraseRole role) {
  ChoiceRules rules = {store.directory(), host, role};
  return ChooseAmong(TRY(FindBlobs(store, rules)), recorded, rules);
}

}  // namespace nvunlock
