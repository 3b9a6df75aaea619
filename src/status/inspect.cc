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

/// What key files are looked at with.
struct KekView {
  const Environment& environment;
  const InspectOptions& options;
  Tpm* tpm;  ///< nullptr: there is none
  ImageSources images;
  KeyStore store;
};

/// nullptr when there is none.
Tpm* LookForTpm(TpmConnection& connection, MachineStatus& status) {
  Result<Tpm*> tpm = connection.Get();
  if (tpm) return *tpm;
  status.no_tpm = std::move(tpm.error());
  return nullptr;
}

ImageSources LookForImages(const Environment& environment, std::vector<std::string>& remarks) {
  ImageSources images;
  Result<std::optional<ImageRecord>> record = ReadImageRecord(environment);
  if (record) {
    images.booted = std::move(*record);
  } else {
    remarks.push_back(std::move(record.error().message));
  }
  images.newest_time = NewestImageTime(environment);
  return images;
}

void LookIntoImages(const Environment& environment, MachineStatus& status) {
  Result<void> mounted = CheckBootIsMounted(environment);
  if (!mounted) status.remarks.push_back(std::move(mounted.error().message));
  for (const std::string& path : ImagesIn(environment)) {
    Result<ImageCheck> check = CheckImage(environment, path);
    if (check) status.images.push_back(std::move(*check));
  }
}

void LookAtMemory(MachineStatus& status) {
  Result<Secret> secret = Secret::Create(1);
  if (secret) status.memory = secret->protection();
}

void LookAtBlobs(const Environment& environment, const ImageSources& images,
                 MachineStatus& status) {
  UnlockedWith unlocked_with = ReadUnlockedWith(environment);
  KeyStore store(environment.keys_dir);
  BlobView view = {.store = store,
                   .host = environment.host,
                   .keyring = Keyring(environment.keyring),
                   .images = images,
                   .unlocked_with = unlocked_with};
  Result<std::vector<BlobStatus>> blobs = InspectBlobs(view, status.remarks);
  if (blobs) {
    status.blobs = std::move(*blobs);
  } else {
    status.problems.push_back(std::move(blobs.error()));
  }
}

void LookAtImage(const KekView& view, const KeyFile& file, KekStatus& kek) {
  bool with_passphrase = view.options.config.recovery_passphrase_in_initramfs;
  Result<std::string> hash = HashOfKeyFile(file, with_passphrase);
  ImageState state =
      StateInImage(view.images, view.store, file.kek.KeyFileName(), hash ? *hash : std::string());
  kek.image = Describe(state);
  kek.image_is_outdated = state == ImageState::kOutdated;
}

void LookForLockout(Tpm* tpm, const KeyFile& file, MachineStatus& status) {
  bool has_pin = std::any_of(file.slots.begin(), file.slots.end(),
                             [](const TpmSlot& slot) { return slot.key.policy.pin; });
  if (!has_pin || tpm == nullptr || status.lockout) return;
  Result<LockoutState> lockout = ReadLockoutState(*tpm);
  if (lockout) {
    status.lockout = *lockout;
  } else {
    status.problems.push_back(std::move(lockout.error()));
  }
}

/// Of a slot of a key file that the image of this boot does not hold as it is now.
Check CheckHoldsSlot(const ImageRecord& image, const TpmSlot& slot) {
  if (image.sealed_objects.contains(IdOfSlot(slot))) {
    return {.subject = "image", .state = "holds this slot", .problem = std::nullopt};
  }
  return {.subject = "image",
          .state = "does not hold this slot",
          .problem = Error{Errc::kFailed,
                           "the image of this boot lacks this slot, and no image is newer than "
                           "the key file: rebuild the initramfs image"}};
}

Result<void> LookInto(const KekView& view, const std::string& text, KekStatus& kek,
                      MachineStatus& status) {
  kek.kek = TRY(ParseKekName(text));
  kek.path = view.store.PathOf(kek.kek.KeyFileName());
  if (kek.kek.type != "user") return Fail(text + ": trusted keks are not supported yet");
  KeyFile file = TRY(view.store.ReadKeyFile(kek.kek));
  kek.problems = std::move(file.problems);
  LookAtImage(view, file, kek);
  LookForLockout(view.tpm, file, status);
  PcrSignatures signatures =
      ReadPcrSignatures(view.environment.signature_files, file.signers, status.remarks);
  SlotView slot_view = {
      .tpm = view.tpm, .pcrs = status.pcrs, .lockout = status.lockout, .signatures = signatures};
  for (const TpmSlot& slot : file.slots) {
    TpmSlotStatus found = InspectTpmSlot(slot, slot_view);
    if (kek.image_is_outdated) found.checks.push_back(CheckHoldsSlot(*view.images.booted, slot));
    kek.slots.push_back(std::move(found));
  }
  for (const RecoverySlot& slot : file.recovery) {
    kek.recovery.push_back({.kind = slot.kind, .issuer = slot.issuer});
  }
  return {};
}

std::set<std::string> KeksOf(const std::vector<BlobStatus>& blobs) {
  std::set<std::string> names;
  for (const BlobStatus& blob : blobs) {
    if (!blob.kek.empty()) names.insert(blob.kek);
  }
  return names;
}

/// Those that have a key file, and those that a blob names and that should have one. Only the
/// latter are needed; without any blob all are taken to be.
void LookAtKeks(const KekView& view, MachineStatus& status) {
  Result<std::vector<KekName>> enrolled = view.store.EnrolledKeks();
  if (!enrolled) return status.problems.push_back(std::move(enrolled.error()));
  std::set<std::string> named = KeksOf(status.blobs);
  std::map<std::string, bool> needed;
  for (const KekName& kek : *enrolled) needed[kek.ToString()] = named.empty();
  for (const std::string& kek : named) needed[kek] = true;
  for (const auto& [name, is_needed] : needed) {
    KekStatus kek = {.needed = is_needed};
    Result<void> looked = LookInto(view, name, kek, status);
    if (!looked) kek.unreadable = std::move(looked.error());
    status.keks.push_back(std::move(kek));
  }
}

std::optional<Error> ProblemOf(const Dimm& dimm, const std::vector<BlobStatus>& blobs,
                               const std::string& keys_dir) {
  bool has_blob = std::any_of(blobs.begin(), blobs.end(),
                              [&](const BlobStatus& blob) { return blob.dimm_id == dimm.id; });
  if (!dimm.HasPassphrase() || has_blob) return std::nullopt;
  return Error{Errc::kDimmLocked, dimm.nmem + " " + dimm.id.spelling() +
                                      ": it has a passphrase, but no blob in " + keys_dir};
}

void LookAtDimms(const Environment& environment, MachineStatus& status) {
  NdBus bus(environment.sysfs_root);
  for (const std::string& nmem : bus.Nmems()) {
    Result<Dimm> dimm = InspectDimm(bus, nmem);
    if (dimm) {
      status.dimms.push_back(
          {.dimm = *dimm, .problem = ProblemOf(*dimm, status.blobs, environment.keys_dir)});
    } else {
      status.problems.push_back(std::move(dimm.error()));
    }
  }
}

}  // namespace

MachineStatus Inspect(const Environment& environment, const InspectOptions& options) {
  MachineStatus status;
  TpmConnection connection(environment.tpm_device);
  Tpm* tpm = LookForTpm(connection, status);
  status.pcrs = GatherPcrs(environment, connection);
  KekView view = {environment, options, tpm, LookForImages(environment, status.remarks),
                  KeyStore(environment.keys_dir)};
  LookAtMemory(status);
  LookAtBlobs(environment, view.images, status);
  LookAtKeks(view, status);
  LookAtDimms(environment, status);
  if (options.with_images) LookIntoImages(environment, status);
  return status;
}

}  // namespace nvunlock
