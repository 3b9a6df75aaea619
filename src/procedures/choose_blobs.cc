#include "src/procedures/choose_blobs.h"

#include <algorithm>

#include "src/model/dimm_id.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

Failure Incomplete(std::string reason) {
  return Fail(Errc::kKeysIncomplete, std::move(reason));
}

/// The blobs of one DIMM.
struct Candidates {
  std::vector<BlobFile> current;
  std::vector<BlobFile> staged;
  std::vector<BlobFile> replaced;

  std::vector<BlobFile>& Of(BlobStage stage) {
    switch (stage) {
      case BlobStage::kStaged:
        return staged;
      case BlobStage::kReplaced:
        return replaced;
      case BlobStage::kCurrent:
        break;
    }
    return current;
  }
};

/// In a patched image a blob that is gone is an empty file: none beside one that is not, and one
/// where there are only such.
void DropEmptied(const KeyStore& store, std::vector<BlobFile>& files) {
  auto is_empty = [&](const BlobFile& file) { return IsEmpty(store.PathOf(file.name)); };
  bool all_are = std::all_of(files.begin(), files.end(), is_empty);
  auto first = files.begin() + (all_are && !files.empty() ? 1 : 0);
  files.erase(std::remove_if(first, files.end(), is_empty), files.end());
}

/// Chooses among the blobs of one DIMM.
class Chooser {
 public:
  Chooser(const KeyStore& store, const std::string& host,
          const std::optional<EnrolledDimms>& enrolled)
      : store_(store), host_(host), enrolled_(enrolled) {}

  Result<ChosenBlob> Choose(const std::string& id, const Candidates& candidates,
                            std::vector<std::string>& notes) const {
    Result<Candidate> current = ChooseCurrent(id, candidates.current, notes);
    std::optional<Candidate> spare = ChooseSpare(candidates);
    if (current) {
      ChosenBlob chosen = {std::move(*current), std::nullopt};
      if (spare && spare->blob.payload != chosen.blob.payload) chosen.spare = std::move(spare);
      return chosen;
    }
    bool is_ambiguous = candidates.current.size() > 1;
    if (!spare || is_ambiguous) return Failure(std::move(current.error()));
    notes.push_back(id + ": " + current.error().message + ", using " + spare->file.name);
    return ChosenBlob{std::move(*spare), std::nullopt};
  }

 private:
  Result<Candidate> ChooseCurrent(const std::string& id, const std::vector<BlobFile>& files,
                                  std::vector<std::string>& notes) const {
    BlobFile file = TRY(Select(id, files));
    if (files.size() > 1) {
      notes.push_back(std::to_string(files.size()) + " blobs for " + id + ", using " + file.name);
    }
    Result<Enc32Blob> blob = store_.ReadBlob(file);
    if (!blob) return Incomplete(blob.error().message);
    TRY(CheckNotAnothers(id, file));
    return Candidate{std::move(file), std::move(*blob)};
  }

  Result<BlobFile> Select(const std::string& id, const std::vector<BlobFile>& files) const {
    if (files.size() == 1) return files[0];
    std::vector<BlobFile> own;
    std::copy_if(files.begin(), files.end(), std::back_inserter(own),
                 [&](const BlobFile& file) { return file.host == host_; });
    if (!own.empty() && AreTheSame(own)) return own[0];
    for (const BlobFile& file : own.empty() ? files : own) {
      if (enrolled_ && HashOf(file) == RecordedHash(id)) return file;
    }
    if (files.empty()) return Incomplete("there is no blob for it in " + store_.directory());
    std::string which = own.empty() ? "none is of this host (" + host_ + ")"
                                    : "several are of this host (" + host_ + ")";
    return Incomplete(std::to_string(files.size()) + " blobs in " + store_.directory() + " and " +
                      which + "; leave one there");
  }

  /// A CXL serial has several spellings, so that a host may have more than one.
  [[nodiscard]] bool AreTheSame(const std::vector<BlobFile>& files) const {
    return std::all_of(files.begin(), files.end(),
                       [&](const BlobFile& file) { return HashOf(file) == HashOf(files.front()); });
  }

  /// What this host has staged before what ndctl has left, and others' last.
  [[nodiscard]] std::optional<Candidate> ChooseSpare(const Candidates& candidates) const {
    for (const std::vector<BlobFile>* files : {&candidates.staged, &candidates.replaced}) {
      for (bool own : {true, false}) {
        for (const BlobFile& file : *files) {
          if ((file.host == host_) != own) continue;
          Result<Enc32Blob> blob = store_.ReadBlob(file);
          if (blob) return Candidate{file, std::move(*blob)};
        }
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] std::string HashOf(const BlobFile& file) const {
    Result<std::string> text = store_.ReadBlobText(file);
    return text ? HashOfBlob(*text) : "";
  }

  [[nodiscard]] std::string RecordedHash(const std::string& id) const {
    auto entry = enrolled_->blob_hashes.find(id);
    return entry == enrolled_->blob_hashes.end() ? "" : entry->second;
  }

  [[nodiscard]] Result<void> CheckNotAnothers(const std::string& id, const BlobFile& file) const {
    if (!enrolled_) return {};
    std::string hash = HashOf(file);
    for (const auto& [other_id, other_hash] : enrolled_->blob_hashes) {
      if (hash == other_hash && other_id != id) {
        return Incomplete(store_.PathOf(file.name) + ": it is the blob of DIMM " + other_id);
      }
    }
    return {};
  }

  const KeyStore& store_;
  const std::string& host_;
  const std::optional<EnrolledDimms>& enrolled_;
};

}  // namespace

Result<BlobChoice> ChooseBlobs(const KeyStore& store, const std::string& host,
                               const std::optional<EnrolledDimms>& enrolled, PassphraseRole role) {
  std::map<std::string, Candidates> by_id;
  for (BlobFile& file : TRY(store.AllBlobs())) {
    if (file.kind.role != role) continue;
    Candidates& candidates = by_id[CanonicalDimmId(file.dimm_id)];
    candidates.Of(file.kind.stage).push_back(std::move(file));
  }
  BlobChoice choice;
  Chooser chooser(store, host, enrolled);
  for (auto& [id, candidates] : by_id) {
    DropEmptied(store, candidates.current);
    Result<ChosenBlob> chosen = chooser.Choose(id, candidates, choice.notes);
    if (chosen) {
      choice.chosen.emplace(id, std::move(*chosen));
    } else {
      choice.unusable.emplace(id, std::move(chosen.error()));
    }
  }
  if (!enrolled) return choice;
  for (const auto& [id, hash] : enrolled->blob_hashes) {
    if (by_id.contains(id)) continue;
    choice.unusable.emplace(
        id, Error{Errc::kKeysIncomplete,
                  "it is enrolled, but its blob is missing from " + store.directory()});
  }
  return choice;
}

}  // namespace nvunlock
