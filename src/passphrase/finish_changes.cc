// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/finish_changes.h"

#include "src/keys/recorded_blobs.h"
#include "src/model/blob_record.h"
#include "src/os/directory_lock.h"
#include "src/passphrase/dimm_passphrase.h"
#include "src/records/record_image.h"
#include "src/records/unlock_record.h"

namespace nvunlock {
namespace {

/// One run of FinishChanges.
class ChangeFinisher {
 public:
  explicit ChangeFinisher(const Environment& environment)
      : environment_(environment),
        store_(environment.keys_dir),
        bus_(environment.sysfs_root),
        place_{bus_, store_, Keyring(environment.keyring), environment.host},
        unlocked_with_(ReadUnlockedWith(environment)) {}

  Result<void> Run() {
    if (unlocked_with_.empty()) return {};
    lock_ = TRY(LockDirectory(store_.directory()));
    TRY(Record());
    BlobChoice choice = TRY(ChooseBlobs(store_, place_.host, TakenInThisBoot()));
    for (const std::string& nmem : bus_.Nmems()) {
      Dimm dimm = TRY(InspectDimm(bus_, nmem));
      auto chosen = choice.chosen.find(dimm.id);
      if (chosen != choice.chosen.end()) TRY_IN(nmem, Settle(dimm, chosen->second));
    }
    return CheckImage();
  }

  [[nodiscard]] const std::vector<std::string>& done() const { return done_; }
  [[nodiscard]] bool image_is_outdated() const { return image_is_outdated_; }

 private:
  /// Unlock had the keks for these lines, and no place to keep them.
  Result<void> Record() {
    std::vector<RecordLine> lines;
    for (const auto& [id, blob] : unlocked_with_) {
      if (blob.line) lines.push_back(*blob.line);
    }
    auto none = [](const RecordLine&) { return false; };
    TRY(ChangeBlobRecord(store_, none, lines));
    return {};
  }

  /// Without a kek nothing vouches for the lines, but this boot's unlock does for what it has seen.
  [[nodiscard]] RecordedBlobs TakenInThisBoot() const {
    RecordedBlobs taken;
    for (const auto& [id, blob] : unlocked_with_) {
      if (blob.line) taken.Add(*blob.line);
    }
    return taken;
  }

  Result<void> Settle(const Dimm& dimm, const ChosenBlob& chosen) {
    DimmPassphrase passphrase(place_, dimm, PassphraseRole::kUser, chosen);
    auto blob = unlocked_with_.find(dimm.id);
    if (passphrase.Spare() == nullptr || blob == unlocked_with_.end()) return {};
    if (!blob->second.frozen) return {};
    bool is_resolved = TRY(passphrase.ResolveAs(blob->second.hash)) ||
                       TRY(passphrase.ResolveAs(blob->second.rewrapped));
    if (!is_resolved) return {};
    done_.push_back(dimm.nmem + ": a change of its passphrase was cut short; " +
                    passphrase.Current()->file.name + " holds its passphrase");
    return {};
  }

  /// This boot's image may hold less than the keys directory by now.
  Result<void> CheckImage() {
    std::optional<ImageRecord> booted = TRY(ReadImageRecord(environment_));
    if (!booted) return {};
    for (const BlobName& file : TRY(store_.Blobs())) {
      auto entry = booted->hashes.find(file.name);
      std::string hash = HashOfBlob(TRY(store_.ReadBlobText(file)));
      if (entry == booted->hashes.end() || entry->second != hash) image_is_outdated_ = true;
    }
    std::string record = TRY(HashOfRecordFile(store_));
    auto entry = booted->hashes.find(kEnrolledDimmsFile);
    if (record != (entry == booted->hashes.end() ? "" : entry->second)) image_is_outdated_ = true;
    return {};
  }

  const Environment& environment_;
  KeyStore store_;
  NdBus bus_;
  PassphrasePlace place_;
  UnlockedWith unlocked_with_;
  DirectoryLock lock_;  ///< until the images are refreshed
  bool image_is_outdated_ = false;
  std::vector<std::string> done_;
};

}  // namespace

Result<std::vector<std::string>> FinishChanges(const Environment& environment,
                                               const ImageRefresh& refresh_images) {
  ChangeFinisher settler(environment);
  TRY(settler.Run());
  std::vector<std::string> done = settler.done();
  if (done.empty() && !settler.image_is_outdated()) return done;
  for (const std::string& image : TRY(refresh_images())) done.push_back(image + ": up to date");
  return done;
}

}  // namespace nvunlock
