#include "src/procedures/choose_blobs.h"

#include <algorithm>
#include <functional>

#include "src/model/dimm_id.h"

namespace nvunlock {
namespace {

using Candidates = std::vector<BlobFile>;

Failure Incomplete(std::string reason) {
  return Fail(Errc::kKeysIncomplete, std::move(reason));
}

/// Chooses among the blobs of one DIMM.
class Chooser {
 public:
  Chooser(const KeyStore& store, const std::string& host,
          const std::optional<EnrolledDimms>& enrolled)
      : store_(store), host_(host), enrolled_(enrolled) {}

  Result<ChosenBlob> Choose(const std::string& id, const Candidates& candidates,
                            std::vector<std::string>& notes) const {
    BlobFile file = TRY(Select(id, candidates));
    if (candidates.size() > 1) {
      notes.push_back(std::to_string(candidates.size()) + " blobs for " + id + ", using " +
                      file.name);
    }
    Result<Enc32Blob> blob = store_.ReadBlob(file);
    if (!blob) return Incomplete(blob.error().message);
    TRY(CheckNotAnothers(id, file));
    return ChosenBlob{std::move(file), std::move(*blob)};
  }

 private:
  Result<BlobFile> Select(const std::string& id, const Candidates& candidates) const {
    if (candidates.size() == 1) return candidates[0];
    for (const BlobFile& file : candidates) {
      if (file.host == host_) return file;
    }
    for (const BlobFile& file : candidates) {
      if (enrolled_ && HashOf(file) == RecordedHash(id)) return file;
    }
    return Incomplete(std::to_string(candidates.size()) + " blobs in " + store_.directory() +
                      " and none is of this host (" + host_ + "); leave one there");
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
                               const std::optional<EnrolledDimms>& enrolled) {
  std::map<std::string, Candidates> by_id;
  for (BlobFile& file : TRY(store.Blobs())) {
    by_id[CanonicalDimmId(file.dimm_id)].push_back(std::move(file));
  }
  BlobChoice choice;
  Chooser chooser(store, host, enrolled);
  for (const auto& [id, candidates] : by_id) {
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
