// SPDX-License-Identifier: Apache-2.0
#include "src/status/inspect_blobs.h"

#include "src/keys/recorded_blobs.h"
#include "src/keys/select_blobs.h"

namespace nvunlock {
namespace {

/// One run of InspectBlobs.
class BlobInspector {
 public:
  BlobInspector(const BlobView& view, std::vector<std::string>& remarks)
      : view_(view), remarks_(remarks) {}

  Result<std::vector<BlobStatus>> Run() {
    RecordedBlobs recorded = FindBelieved();
    BlobChoice choice = TRY(ChooseBlobs(view_.store, view_.host, recorded));
    choice.unusable.merge(choice.missing);
    std::move(choice.notes.begin(), choice.notes.end(), std::back_inserter(remarks_));
    std::vector<BlobStatus> all;
    for (const auto& [id, chosen] : choice.chosen) all.push_back(Inspect(id, chosen));
    for (const auto& [id, error] : choice.unusable) {
      Check check = {.subject = "blob", .state = "not usable", .problem = error};
      all.push_back({.dimm_id = id, .file = "", .kek = "", .checks = {std::move(check)}});
    }
    return all;
  }

 private:
  BlobStatus Inspect(const DimmId& id, const ChosenBlob& chosen) {
    BlobStatus blob = {
        .dimm_id = id, .file = chosen.file.name, .kek = chosen.blob.kek.ToString(), .checks = {}};
    std::string hash = HashOfBlob(chosen.blob.text);
    blob.checks.push_back(CheckHmac(chosen.blob));
    blob.checks.push_back(CheckRecord(id, chosen));
    std::optional<Check> unlock = CheckUnlock(id, chosen);
    if (unlock) blob.checks.push_back(std::move(*unlock));
    blob.checks.push_back(CheckImage(chosen.file, hash));
    return blob;
  }

  /// Nothing follows from it but what is shown: a line whose kek is not at hand is believed, unlike
  /// at boot.
  [[nodiscard]] RecordedBlobs FindBelieved() {
    RecordedBlobs recorded;
    BlobRecord record = ReadBlobRecord(view_.store, remarks_);
    size_t damaged = 0;
    for (RecordLine& line : record.lines) {
      Result<KekName> name = ParseKekName(line.kek);
      Result<std::optional<Secret>> kek = name ? FindKek(*name) : std::optional<Secret>();
      bool is_false = kek && *kek && !IsAuthentic(line, **kek).value_or(false);
      if (is_false) damaged++;
      if (!is_false) recorded.Add(std::move(line));
    }
    NoteDamagedLines(view_.store, damaged, remarks_);
    return recorded;
  }

  Check CheckRecord(const DimmId& id, const ChosenBlob& chosen) {
    Check check = {.subject = "record", .state = "recorded", .problem = std::nullopt};
    if (chosen.recorded) return check;
    check.state = "unknown";
    remarks_.push_back(id.canonical() + ": " + chosen.file.name + " is not recorded in " +
                       kEnrolledDimmsFile +
                       "; ndctl may have made it. The next unlock that succeeds records it");
    return check;
  }

  Check CheckHmac(const Enc32Blob& blob) {
    Result<std::optional<Secret>> kek = FindKek(blob.kek);
    if (!kek) remarks_.push_back(std::move(kek.error().message));
    if (!kek || !*kek) {
      return {.subject = "kek", .state = "not at hand, not tried", .problem = std::nullopt};
    }
    if (VerifyEnc32(blob, **kek)) {
      return {.subject = "kek", .state = "opens it", .problem = std::nullopt};
    }
    return {.subject = "kek",
            .state = "does not open it",
            .problem = Error{Errc::kKeysIncomplete,
                             "its blob is damaged, or was made under another kek than " +
                                 blob.kek.ToString() + " (its HMAC does not hold)"}};
  }

  /// The kek in the keyring, unless it is not that of the key file.
  [[nodiscard]] Result<std::optional<Secret>> FindKek(const KekName& name) const {
    std::optional<Key> key = TRY(view_.keyring.Find(name.type.c_str(), name.description));
    if (!key || name.type != "user") return std::optional<Secret>();
    Secret kek = TRY_IN(name.ToString() + " in the keyring", key->Read());
    Result<KeyFile> file = view_.store.ReadKeyFile(name);
    if (file && TRY(KekCheckValue(kek)) != file->check_value) {
      return Fail(name.ToString() + " in the keyring is not the kek of " +
                  view_.store.PathOf(name.KeyFileName()));
    }
    return std::optional<Secret>(std::move(kek));
  }

  [[nodiscard]] Check CheckImage(const BlobName& file, const std::string& hash) const {
    ImageState state = StateInImage(view_.images, view_.store, file.name, hash);
    Check check = {.subject = "image", .state = Describe(state), .problem = std::nullopt};
    if (state != ImageState::kOutdated) return check;
    check.problem = Error{Errc::kFailed,
                          "its blob has changed since the image of this boot was built, and no "
                          "image is newer: rebuild the initramfs image, or the DIMM may be sent a "
                          "wrong passphrase"};
    return check;
  }

  /// Of a DIMM that is frozen since: it still has the passphrase. A change that was cut short has
  /// left two blobs.
  [[nodiscard]] std::optional<Check> CheckUnlock(const DimmId& id, const ChosenBlob& chosen) const {
    auto entry = view_.unlocked_with.find(id);
    if (entry == view_.unlocked_with.end() || !entry->second.frozen) return std::nullopt;
    bool is_it = HasUnlocked(view_.unlocked_with, id, chosen) ||
                 (chosen.spare && HasUnlocked(view_.unlocked_with, id, *chosen.spare));
    Check check = {.subject = "unlock",
                   .state = is_it ? "has unlocked it" : "has not unlocked it",
                   .problem = std::nullopt};
    if (is_it) return check;
    check.problem =
        Error{Errc::kFailed, "another blob has unlocked it in this boot, and it is not in " +
                                 view_.store.directory() +
                                 ": take it out of etc/ndctl/keys in the image of this boot, and "
                                 "rebuild no image before"};
    return check;
  }

  const BlobView& view_;
  std::vector<std::string>& remarks_;
};

}  // namespace

Result<std::vector<BlobStatus>> InspectBlobs(const BlobView& view,
                                             std::vector<std::string>& remarks) {
  return BlobInspector(view, remarks).Run();
}

}  // namespace nvunlock
