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

/// Unlock had the keks for these lines, and no place to keep them.
Result<void> Record(const KeyStore& store, const std::vector<RecordLine>& lines) {
  auto none = [](const RecordLine&) { return false; };
  TRY(ChangeBlobRecord(store, none, lines));
  return {};
}

/// Whether there was one to finish, and this boot tells how.
Result<bool> Finish(DimmPassphrase& passphrase, const UnlockedWith& unlocked_with) {
  auto blob = unlocked_with.find(passphrase.dimm().id);
  if (passphrase.Spare() == nullptr || blob == unlocked_with.end()) return false;
  if (!blob->second.frozen) return false;
  return TRY(passphrase.ResolveAs(blob->second.hash)) ||
         TRY(passphrase.ResolveAs(blob->second.rewrapped));
}

Result<std::vector<std::string>> FinishAll(const PassphrasePlace& place,
                                           const UnlockedWith& unlocked_with) {
  // Without a kek nothing vouches for the lines, but this boot's unlock does for what it has seen.
  RecordedBlobs taken;
  for (const auto& [id, blob] : unlocked_with) {
    if (blob.line) taken.Add(*blob.line);
  }
  TRY(Record(place.store, taken.lines()));
  BlobChoice choice = TRY(ChooseBlobs(place.store, place.host, taken));
  std::vector<std::string> done;
  for (const std::string& nmem : place.bus.Nmems()) {
    Dimm dimm = TRY(InspectDimm(place.bus, nmem));
    auto chosen = choice.chosen.find(dimm.id);
    if (chosen == choice.chosen.end()) continue;
    DimmPassphrase passphrase(place, std::move(dimm), PassphraseRole::kUser, chosen->second);
    if (!TRY_IN(nmem, Finish(passphrase, unlocked_with))) continue;
    done.push_back(nmem + ": a change of its passphrase was interrupted; " +
                   passphrase.Current()->file.name + " holds its passphrase");
  }
  return done;
}

/// This boot's image may hold less than the keys directory by now.
Result<bool> ImageIsOutdated(const Environment& environment, const KeyStore& store) {
  std::optional<ImageRecord> booted = TRY(ReadImageRecord(environment));
  if (!booted) return false;
  bool is_outdated = false;
  for (const BlobName& file : TRY(store.Blobs())) {
    std::string hash = HashOfBlob(TRY(store.ReadBlobText(file)));
    is_outdated |= booted->hashes[file.name] != hash;
  }
  std::string record = TRY(HashOfRecordFile(store));
  return is_outdated || booted->hashes[kEnrolledDimmsFile] != record;
}

}  // namespace

Result<std::vector<std::string>> FinishChanges(const Environment& environment,
                                               const ImageRefresh& refresh_images) {
  UnlockedWith unlocked_with = ReadUnlockedWith(environment);
  if (unlocked_with.empty()) return std::vector<std::string>();
  PassphrasePlace place = PlaceIn(environment);
  DirectoryLock lock = TRY(LockDirectory(place.store.directory()));
  std::vector<std::string> done = TRY(FinishAll(place, unlocked_with));
  bool image_is_outdated = TRY(ImageIsOutdated(environment, place.store));
  if (done.empty() && !image_is_outdated) return done;
  for (const std::string& image : TRY(refresh_images())) done.push_back(image + ": up to date");
  return done;
}

}  // namespace nvunlock
