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

/// One run of SanitizeDimms.
class Sanitizer {
 public:
  Sanitizer(const Environment& environment, const SanitizeOptions& options)
      : environment_(environment),
        options_(options),
        store_(environment.keys_dir),
        bus_(environment.sysfs_root),
        place_{bus_, store_, Keyring(environment.keyring), environment.host} {}

  DimmReport Run(const std::vector<std::string>& nmems) {
    Result<void> begun = Begin();
    if (!begun) {
      report_.problems.push_back(std::move(begun.error()));
      return std::move(report_);
    }
    for (const std::string& nmem : nmems) SanitizeOne(nmem);
    if (blobs_removed_) RefreshImages();
    return std::move(report_);
  }

 private:
  Result<void> Begin() {
    if (!options_.dry_run) {
      TRY(MakeDirectories(store_.directory(), 0700));
      lock_ = TRY(LockDirectory(store_.directory()));
    }
    return {};
  }

  void SanitizeOne(const std::string& nmem) {
    DimmResult result = {.dimm = {.nmem = nmem}};
    Result<Dimm> dimm = InspectDimm(bus_, nmem);
    Result<void> done = dimm ? Sanitize(*dimm, result) : Failure(std::move(dimm.error()));
    if (!done) result.problem = std::move(done.error());
    result.dimm = InspectDimm(bus_, nmem).value_or(result.dimm);
    report_.dimms.push_back(std::move(result));
  }

  Result<void> Sanitize(const Dimm& dimm, DimmResult& result) {
    TRY(CheckMayChange(bus_, dimm));
    if (options_.role == PassphraseRole::kUser) TRY(CheckZeroKey(dimm));
    if (options_.dry_run) {
      if (options_.crypto_erase) result.planned.push_back(Describe(EraseVerb()));
      if (options_.overwrite) result.planned.push_back(Describe("overwrite"));
      return {};
    }
    if (options_.crypto_erase) TRY(Erase(dimm));
    if (options_.overwrite) TRY(Overwrite(dimm));
    return {};
  }

  /// Zeros are sent where they were asked for, and where they cannot be a wrong passphrase.
  [[nodiscard]] Result<void> CheckZeroKey(const Dimm& dimm) const {
    bool has_none = dimm.security == SecurityState::kDisabled;
    if (options_.zero_key && !has_none) {
      return Fail("it may have a passphrase, and would count zeros as a wrong one");
    }
    if (!options_.zero_key && has_none) {
      return Fail("it has no passphrase; --zero-key (-z) erases it all the same");
    }
    return {};
  }

  static std::string Describe(const std::string& verb) {
    return "write \"" + verb + "\" and the key to its security";
  }

  [[nodiscard]] std::string EraseVerb() const {
    return options_.role == PassphraseRole::kMaster ? "master_erase" : "erase";
  }

  /// The serial of the DIMM's key; 0, the kernel's word for 32 zeros, for a DIMM that has no
  /// passphrase, or none any more: its crypto erase has just taken it.
  Result<std::string> KeyFor(const Dimm& dimm) {
    bool is_user = options_.role == PassphraseRole::kUser;
    if (is_user && dimm.security == SecurityState::kDisabled) return {"0"};
    RecordedBlobs recorded = FindRecordedBlobs(store_, place_.keyring, report_.notes);
    BlobChoice choice = TRY(ChooseBlobs(store_, environment_.host, recorded, options_.role));
    auto unusable = choice.unusable.find(dimm.id);
    if (unusable != choice.unusable.end()) return Failure(std::move(unusable->second));
    auto chosen = choice.chosen.find(dimm.id);
    std::optional<ChosenBlob> blobs;
    if (chosen != choice.chosen.end()) blobs = std::move(chosen->second);
    DimmPassphrase passphrase(place_, dimm, options_.role, std::move(blobs));
    if (passphrase.Spare() != nullptr) {
      bool spare_first =
          is_user && HasUnlocked(ReadUnlockedWith(environment_), dimm.id, *passphrase.Spare());
      TRY(passphrase.TryEachBlob(spare_first));
    }
    return std::to_string(TRY(passphrase.CurrentKey()).serial());
  }

  Result<void> Erase(const Dimm& dimm) {
    Result<void> sent = bus_.Secure(dimm.nmem, EraseVerb() + " " + TRY(KeyFor(dimm)));
    if (!sent && !IsDone(dimm)) return sent;
    if (options_.on_step) options_.on_step("step: " + dimm.nmem + " erased");
    if (TRY(ForgetLostPassphrase(place_, dimm.nmem))) blobs_removed_ = true;
    return {};
  }

  /// The passphrase outlives it on some DIMMs and not on others: `wait-overwrite` sees to the blob.
  Result<void> Overwrite(const Dimm& before) {
    Dimm dimm = TRY(InspectDimm(bus_, before.nmem));
    Result<void> sent = bus_.Secure(dimm.nmem, "overwrite " + TRY(KeyFor(dimm)));
    if (!sent && !IsDone(dimm)) return sent;
    if (options_.on_step) options_.on_step("step: " + dimm.nmem + " overwrite begun");
    return {};
  }

  /// An answer can be lost; the DIMM shows whether it did what it was told.
  [[nodiscard]] bool IsDone(const Dimm& before) const {
    SecurityState now = InspectDimm(bus_, before.nmem).value_or(before).security;
    bool lost_passphrase = before.HasPassphrase() && now == SecurityState::kDisabled;
    return now == SecurityState::kOverwrite || lost_passphrase;
  }

  /// What images hold of a DIMM without a passphrase is not asked for.
  void RefreshImages() {
    if (!options_.refresh_images) return;
    auto images = options_.refresh_images();
    if (!images) report_.notes.push_back(std::move(images.error().message));
  }

  const Environment& environment_;
  const SanitizeOptions& options_;
  KeyStore store_;
  NdBus bus_;
  PassphrasePlace place_;
  DirectoryLock lock_;
  bool blobs_removed_ = false;
  DimmReport report_;
};

}  // namespace

DimmReport SanitizeDimms(const Environment& environment, const std::vector<std::string>& nmems,
                         const SanitizeOptions& options) {
  return Sanitizer(environment, options).Run(nmems);
}

}  // namespace nvunlock
