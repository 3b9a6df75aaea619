// SPDX-License-Identifier: Apache-2.0
#include "src/status/inspect.h"

#include <algorithm>
#include <map>
#include <set>

#include "src/image/find_images.h"
#include "src/model/dimm_id.h"
#include "src/records/record_image.h"
#include "src/seal/signed_pcrs.h"
#include "src/status/inspect_blobs.h"
#include "src/status/inspect_tpm_slot.h"

namespace nvunlock {
namespace {

/// One run of Inspect.
class Inspector {
 public:
  Inspector(const Environment& environment, const InspectOptions& options)
      : environment_(environment),
        options_(options),
        store_(environment.keys_dir),
        connection_(environment.tpm_device) {}

  MachineStatus Run() {
    LookForTpm();
    status_.pcrs = GatherPcrs(environment_, connection_);
    LookForImages();
    LookAtMemory();
    LookAtBlobs();
    LookAtKeks();
    LookAtDimms();
    if (options_.with_images) LookIntoImages();
    return std::move(status_);
  }

 private:
  void LookForTpm() {
    Result<Tpm*> tpm = connection_.Get();
    if (tpm) {
      tpm_ = *tpm;
    } else {
      status_.no_tpm = std::move(tpm.error());
    }
  }

  void LookForImages() {
    Result<std::optional<ImageRecord>> record = ReadImageRecord(environment_);
    if (record) {
      images_.booted = std::move(*record);
    } else {
      status_.remarks.push_back(std::move(record.error().message));
    }
    images_.newest_time = NewestImageTime(environment_);
  }

  void LookIntoImages() {
    Result<void> mounted = CheckBootIsMounted(environment_);
    if (!mounted) status_.remarks.push_back(std::move(mounted.error().message));
    for (const std::string& path : ImagesIn(environment_)) {
      Result<ImageCheck> check = CheckImage(environment_, path);
      if (check) status_.images.push_back(std::move(*check));
    }
  }

  void LookAtMemory() {
    Result<Secret> secret = Secret::Create(1);
    if (secret) status_.memory = secret->protection();
  }

  void LookAtBlobs() {
    UnlockedWith unlocked_with = ReadUnlockedWith(environment_);
    BlobView view = {.store = store_,
                     .host = environment_.host,
                     .keyring = Keyring(environment_.keyring),
                     .images = images_,
                     .unlocked_with = unlocked_with};
    Result<std::vector<BlobStatus>> blobs = InspectBlobs(view, status_.remarks);
    if (!blobs) {
      status_.problems.push_back(std::move(blobs.error()));
      return;
    }
    status_.blobs = std::move(*blobs);
  }

  /// Those that have a key file, and those that a blob names and that should have one. Only the
  /// latter are needed; without any blob all are taken to be.
  void LookAtKeks() {
    Result<std::vector<KekName>> enrolled = store_.EnrolledKeks();
    if (!enrolled) {
      status_.problems.push_back(std::move(enrolled.error()));
      return;
    }
    std::set<std::string> named = KeksOfBlobs();
    std::map<std::string, bool> needed;
    for (const KekName& kek : *enrolled) needed[kek.ToString()] = named.empty();
    for (const std::string& kek : named) needed[kek] = true;
    for (const auto& [kek, is_needed] : needed) LookAtKek(kek, is_needed);
  }

  [[nodiscard]] std::set<std::string> KeksOfBlobs() const {
    std::set<std::string> names;
    for (const BlobStatus& blob : status_.blobs) {
      if (!blob.kek.empty()) names.insert(blob.kek);
    }
    return names;
  }

  void LookAtKek(const std::string& text, bool is_needed) {
    KekStatus kek;
    Result<void> looked = LookInto(kek, text);
    kek.needed = is_needed;
    if (!looked) kek.unreadable = std::move(looked.error());
    status_.keks.push_back(std::move(kek));
  }

  Result<void> LookInto(KekStatus& kek, const std::string& text) {
    kek.kek = TRY(ParseKekName(text));
    kek.path = store_.PathOf(kek.kek.KeyFileName());
    if (kek.kek.type != "user") {
      return Fail(text + ": trusted keks are not handled yet");
    }
    KeyFile file = TRY(store_.ReadKeyFile(kek.kek));
    kek.problems = std::move(file.problems);
    for (std::string& note : AttachSignatures(environment_.signature_files, file)) {
      status_.remarks.push_back(std::move(note));
    }
    LookAtImage(file, kek);
    LookForLockout(file);
    for (const TpmSlot& slot : file.slots) kek.slots.push_back(LookAtSlot(slot, kek));
    for (const RecoverySlot& slot : file.recovery) {
      kek.recovery.push_back({.kind = slot.kind, .issuer = slot.issuer});
    }
    return {};
  }

  void LookAtImage(const KeyFile& file, KekStatus& kek) const {
    bool with_passphrase = options_.config.recovery_passphrase_in_initramfs;
    Result<std::string> hash = HashOfKeyFile(file, with_passphrase);
    ImageState state =
        StateInImage(images_, store_, file.kek.KeyFileName(), hash ? *hash : std::string());
    kek.image = Describe(state);
    kek.image_is_outdated = state == ImageState::kOutdated;
  }

  void LookForLockout(const KeyFile& file) {
    bool has_pin = std::any_of(file.slots.begin(), file.slots.end(),
                               [](const TpmSlot& slot) { return slot.key.policy.pin; });
    if (!has_pin || tpm_ == nullptr || status_.lockout) return;
    Result<LockoutState> lockout = ReadLockoutState(*tpm_);
    if (lockout) {
      status_.lockout = *lockout;
    } else {
      status_.problems.push_back(std::move(lockout.error()));
    }
  }

  [[nodiscard]] TpmSlotStatus LookAtSlot(const TpmSlot& slot, const KekStatus& kek) const {
    SlotView view = {.tpm = tpm_, .pcrs = status_.pcrs, .lockout = status_.lockout};
    TpmSlotStatus status = InspectTpmSlot(slot, view);
    if (!kek.image_is_outdated) return status;
    Check check = {.subject = "image", .state = "holds this slot", .problem = std::nullopt};
    if (!images_.booted->sealed_objects.contains(IdOfSlot(slot))) {
      check.state = "does not hold this slot";
      check.problem = Error{Errc::kFailed,
                            "the image of this boot does not hold this slot, and no image is newer "
                            "than the key file: rebuild the initramfs image"};
    }
    status.checks.push_back(std::move(check));
    return status;
  }

  void LookAtDimms() {
    NdBus bus(environment_.sysfs_root);
    for (const std::string& nmem : bus.Nmems()) {
      Result<Dimm> dimm = InspectDimm(bus, nmem);
      if (dimm) {
        status_.dimms.push_back({.dimm = *dimm, .problem = ProblemOf(*dimm)});
      } else {
        status_.problems.push_back(std::move(dimm.error()));
      }
    }
  }

  [[nodiscard]] std::optional<Error> ProblemOf(const Dimm& dimm) const {
    const DimmId& id = dimm.id;
    bool has_blob = std::any_of(status_.blobs.begin(), status_.blobs.end(),
                                [&](const BlobStatus& blob) { return blob.dimm_id == id; });
    if (!dimm.HasPassphrase() || has_blob) return std::nullopt;
    return Error{Errc::kDimmLocked, dimm.nmem + " " + dimm.id.spelling() +
                                        ": it has a passphrase, but no blob in " +
                                        store_.directory()};
  }

  const Environment& environment_;
  const InspectOptions& options_;
  KeyStore store_;
  TpmConnection connection_;
  Tpm* tpm_ = nullptr;
  ImageSources images_;
  MachineStatus status_;
};

}  // namespace

MachineStatus Inspect(const Environment& environment, const InspectOptions& options) {
  return Inspector(environment, options).Run();
}

}  // namespace nvunlock
