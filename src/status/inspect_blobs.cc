// SPDX-License-Identifier: Apache-2.0
#include "src/status/inspect_blobs.h"

#include "src/keys/recorded_blobs.h"
#include "src/keys/select_blobs.h"

namespace nvunlock {
namespace {

/// The kek in the keyring, unless it is not that of the key file.
Result<std::optional<Secret>> FindKek(const BlobView& view, const KekName& name) {
  std::optional<Key> key = TRY(view.keyring.Find(name.type.c_str(), name.description));
  if (!key || name.type != "user") return std::optional<Secret>();
  Secret kek = TRY_IN(name.ToString() + " in the keyring", key->Read());
  Result<KeyFile> file = view.store.ReadKeyFile(name);
  if (file && TRY(KekCheckValue(kek)) != file->check_value) {
    return Fail(name.ToString() + " in the keyring is not the kek of " +
                view.store.PathOf(name.KeyFileName()));
  }
  return std::optional<Secret>(std::move(kek));
}

/// Nothing follows from it but what is shown: a line whose kek is not at hand is believed, unlike
/// at boot.
RecordedBlobs FindBelieved(const BlobView& view, std::vector<std::string>& remarks) {
  RecordedBlobs recorded;
  BlobRecord record = ReadBlobRecord(view.store, remarks);
  size_t damaged = 0;
  for (RecordLine& line : record.lines) {
    Result<KekName> name = ParseKekName(line.kek);
    Result<std::optional<Secret>> kek = name ? FindKek(view, *name) : std::optional<Secret>();
    bool is_false = kek && *kek && !IsAuthentic(line, **kek).value_or(false);
    if (is_false) damaged++;
    if (!is_false) recorded.Add(std::move(line));
  }
  NoteDamagedLines(view.store, damaged, remarks);
  return recorded;
}

Check CheckHmac(const Enc32Blob& blob, const BlobView& view, std::vector<std::string>& remarks) {
  Result<std::optional<Secret>> kek = FindKek(view, blob.kek);
  if (!kek) remarks.push_back(std::move(kek.error().message));
  if (!kek || !*kek) {
    return {.subject = "kek", .state = "not in the keyring, not tried", .problem = std::nullopt};
  }
  if (VerifyEnc32(blob, **kek)) {
    return {.subject = "kek", .state = "opens it", .problem = std::nullopt};
  }
  return {.subject = "kek",
          .state = "does not open it",
          .problem =
              Error{Errc::kKeysIncomplete, "its blob is damaged, or wrapped by another kek than " +
                                               blob.kek.ToString() + " (its HMAC does not hold)"}};
}

Check CheckRecord(const DimmId& id, const ChosenBlob& chosen, std::vector<std::string>& remarks) {
  Check check = {.subject = "record", .state = "recorded", .problem = std::nullopt};
  if (chosen.recorded) return check;
  check.state = "unknown";
  remarks.push_back(id.canonical() + ": " + chosen.file.name + " is not recorded in " +
                    kEnrolledDimmsFile +
                    "; ndctl may have made it. The next successful unlock records it");
  return check;
}

/// Of a DIMM that is frozen since: it still has the passphrase. A change that was cut short has
/// left two blobs.
std::optional<Check> CheckUnlock(const DimmId& id, const ChosenBlob& chosen, const BlobView& view) {
  auto entry = view.unlocked_with.find(id);
  if (entry == view.unlocked_with.end() || !entry->second.frozen) return std::nullopt;
  bool is_it = HasUnlocked(view.unlocked_with, id, chosen) ||
               (chosen.spare && HasUnlocked(view.unlocked_with, id, *chosen.spare));
  Check check = {.subject = "unlock",
                 .state = is_it ? "has unlocked it" : "has not unlocked it",
                 .problem = std::nullopt};
  if (is_it) return check;
  check.problem =
      Error{Errc::kFailed, "this boot unlocked it with another blob, which is not in " +
                               view.store.directory() +
                               ": take that out of etc/ndctl/keys in the image of this boot "
                               "before you rebuild any image"};
  return check;
}

Check CheckInImage(const Candidate& chosen, const BlobView& view) {
  ImageState state =
      StateInImage(view.images, view.store, chosen.file.name, HashOfBlob(chosen.blob.text));
  Check check = {.subject = "image", .state = Describe(state), .problem = std::nullopt};
  if (state != ImageState::kOutdated) return check;
  check.problem =
      Error{Errc::kFailed,
            "its blob has changed since the image of this boot was built, and no image is newer: "
            "rebuild the initramfs image, or a boot may send the DIMM a wrong passphrase"};
  return check;
}

BlobStatus InspectBlob(const DimmId& id, const ChosenBlob& chosen, const BlobView& view,
                       std::vector<std::string>& remarks) {
  BlobStatus blob = {
      .dimm_id = id, .file = chosen.file.name, .kek = chosen.blob.kek.ToString(), .checks = {}};
  blob.checks.push_back(CheckHmac(chosen.blob, view, remarks));
  blob.checks.push_back(CheckRecord(id, chosen, remarks));
  std::optional<Check> unlock = CheckUnlock(id, chosen, view);
  if (unlock) blob.checks.push_back(std::move(*unlock));
  blob.checks.push_back(CheckInImage(chosen, view));
  return blob;
}

}  // namespace

Result<std::vector<BlobStatus>> InspectBlobs(const BlobView& view,
                                             std::vector<std::string>& remarks) {
  RecordedBlobs recorded = FindBelieved(view, remarks);
  BlobChoice choice = TRY(ChooseBlobs(view.store, view.host, recorded));
  choice.unusable.merge(choice.missing);
  std::move(choice.notes.begin(), choice.notes.end(), std::back_inserter(remarks));
  std::vector<BlobStatus> all;
  for (const auto& [id, chosen] : choice.chosen) {
    all.push_back(InspectBlob(id, chosen, view, remarks));
  }
  for (const auto& [id, error] : choice.unusable) {
    Check check = {.subject = "blob", .state = "not usable", .problem = error};
    all.push_back({.dimm_id = id, .file = "", .kek = "", .checks = {std::move(check)}});
  }
  return all;
}

}  // namespace nvunlock
