// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/sanitize.h"

#include <optional>

#include "src/keys/recorded_blobs.h"
#include "src/os/directory_lock.h"
#include "src/os/file.h"
#include "src/passphrase/dimm_passphrase.h"
#include "src/passphrase/forget_passphrase.h"
#include "src/passphrase/preconditions.h"
#include "src/records/unlock_record.h"

namespace nvunlock {
namespace {

/// What the DIMMs of one command share.
struct Run {
  const Environment& environment;
  const SanitizeOptions& options;
  PassphrasePlace place;
  bool blobs_removed = false;
  std::vector<std::string> notes = {};
};

/// Zeros are sent where they were asked for, and where they cannot be a wrong passphrase.
Result<void> CheckZeroKey(const Dimm& dimm, bool zero_key) {
  bool has_none = dimm.security == SecurityState::kDisabled;
  if (zero_key && !has_none) {
    return Fail("it may have a passphrase, and zeros would use up an attempt");
  }
  if (!zero_key && has_none) {
    return Fail("it has no passphrase; use --zero-key (-z) to erase it anyway");
  }
  return {};
}

std::string Describe(const std::string& verb) {
  return "write \"" + verb + "\" and the key to its security";
}

std::string EraseVerb(PassphraseRole role) {
  return role == PassphraseRole::kMaster ? "master_erase" : "erase";
}

/// The serial of the DIMM's key; 0, the kernel's word for 32 zeros, for a DIMM that has no
/// passphrase, or none any more: its crypto erase has just taken it.
Result<std::string> KeyFor(Run& run, const Dimm& dimm) {
  const PassphrasePlace& place = run.place;
  PassphraseRole role = run.options.role;
  bool is_user = role == PassphraseRole::kUser;
  if (is_user && dimm.security == SecurityState::kDisabled) return {"0"};
  RecordedBlobs recorded = FindRecordedBlobs(place.store, place.keyring, run.notes);
  BlobChoice choice = TRY(ChooseBlobs(place.store, place.host, recorded, role));
  auto unusable = choice.unusable.find(dimm.id);
  if (unusable != choice.unusable.end()) return Failure(std::move(unusable->second));
  auto chosen = choice.chosen.find(dimm.id);
  std::optional<ChosenBlob> blobs;
  if (chosen != choice.chosen.end()) blobs = std::move(chosen->second);
  DimmPassphrase passphrase(place, dimm, role, std::move(blobs));
  if (passphrase.Spare() != nullptr) {
    bool spare_first =
        is_user && HasUnlocked(ReadUnlockedWith(run.environment), dimm.id, *passphrase.Spare());
    TRY(passphrase.TryEachBlob(spare_first));
  }
  return std::to_string(TRY(passphrase.CurrentKey()).serial());
}

/// An answer can be lost; the DIMM shows whether it did what it was told.
bool IsDone(const NdBus& bus, const Dimm& before) {
  SecurityState now = InspectDimm(bus, before.nmem).value_or(before).security;
  bool lost_passphrase = before.HasPassphrase() && now == SecurityState::kDisabled;
  return now == SecurityState::kOverwrite || lost_passphrase;
}

Result<void> Send(Run& run, const Dimm& dimm, const std::string& verb, const char* done) {
  Result<void> sent = run.place.bus.Secure(dimm.nmem, verb + " " + TRY(KeyFor(run, dimm)));
  if (!sent && !IsDone(run.place.bus, dimm)) return sent;
  if (run.options.on_step) run.options.on_step("step: " + dimm.nmem + " " + done);
  return {};
}

Result<void> Erase(Run& run, const Dimm& dimm) {
  TRY(Send(run, dimm, EraseVerb(run.options.role), "erased"));
  if (TRY(ForgetLostPassphrase(run.place, dimm.nmem))) run.blobs_removed = true;
  return {};
}

Result<void> Sanitize(Run& run, const Dimm& dimm, DimmResult& result) {
  const SanitizeOptions& options = run.options;
  TRY(CheckMayChange(run.place.bus, dimm));
  if (options.role == PassphraseRole::kUser) TRY(CheckZeroKey(dimm, options.zero_key));
  if (options.dry_run) {
    if (options.crypto_erase) result.planned.push_back(Describe(EraseVerb(options.role)));
    if (options.overwrite) result.planned.push_back(Describe("overwrite"));
    return {};
  }
  if (options.crypto_erase) TRY(Erase(run, dimm));
  if (!options.overwrite) return {};
  // The passphrase outlives it on some DIMMs and not on others: `wait-overwrite` sees to the blob.
  Dimm now = TRY(InspectDimm(run.place.bus, dimm.nmem));
  return Send(run, now, "overwrite", "overwrite begun");
}

DimmResult SanitizeOne(Run& run, const std::string& nmem) {
  DimmResult result = {.dimm = {.nmem = nmem}};
  Result<Dimm> dimm = InspectDimm(run.place.bus, nmem);
  Result<void> done = dimm ? Sanitize(run, *dimm, result) : Failure(std::move(dimm.error()));
  if (!done) result.problem = std::move(done.error());
  result.dimm = InspectDimm(run.place.bus, nmem).value_or(result.dimm);
  return result;
}

Result<DirectoryLock> Lock(const std::string& directory, bool dry_run) {
  if (dry_run) return DirectoryLock();
  TRY(MakeDirectories(directory, 0700));
  return LockDirectory(directory);
}

}  // namespace

DimmReport SanitizeDimms(const Environment& environment, const std::vector<std::string>& nmems,
                         const SanitizeOptions& options) {
  DimmReport report;
  Result<DirectoryLock> lock = Lock(environment.keys_dir, options.dry_run);
  if (!lock) {
    report.problems.push_back(std::move(lock.error()));
    return report;
  }
  Run run = {environment, options, PlaceIn(environment)};
  for (const std::string& nmem : nmems) report.dimms.push_back(SanitizeOne(run, nmem));
  report.notes = std::move(run.notes);
  if (!run.blobs_removed || !options.refresh_images) return report;
  // What images hold of a DIMM without a passphrase is not asked for.
  auto images = options.refresh_images();
  if (!images) report.notes.push_back(std::move(images.error().message));
  return report;
}

}  // namespace nvunlock
