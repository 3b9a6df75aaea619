// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/passphrase_checks.h"

#include "src/model/blob_record.h"
#include "src/passphrase/preconditions.h"

namespace nvunlock {

Result<Readiness> PassphraseChecks::Check(DimmPassphrase& passphrase) {
  const Dimm& dimm = passphrase.dimm();
  TRY(CheckMayChange(bus_, dimm));
  if (options_.role == PassphraseRole::kMaster) return CheckMaster(passphrase);
  switch (options_.change) {
    case PassphraseChange::kSetup:
      return options_.import != nullptr ? CheckImport(passphrase) : CheckSetup(passphrase);
    case PassphraseChange::kUpdate:
      return CheckHasPassphrase(passphrase);
    case PassphraseChange::kRemove:
      break;
  }
  return CheckRemoval(passphrase);
}

/// sysfs does not tell whether a master passphrase is set.
Result<Readiness> PassphraseChecks::CheckMaster(DimmPassphrase& passphrase) {
  if (options_.change != PassphraseChange::kRemove && passphrase.dimm().HasPassphrase()) {
    return Fail(
        "a master passphrase can be changed only while the DIMM has no user passphrase; run "
        "'nvunlock remove-passphrase " +
        passphrase.dimm().nmem + "' first");
  }
  if (options_.change != PassphraseChange::kSetup) {
    TRY(ResolveSpare(passphrase));
    return Readiness::kToDo;
  }
  if (const Candidate* current = passphrase.Current()) {
    return Fail(current->file.name +
                " already exists; change it with 'nvunlock update-passphrase -m " +
                passphrase.dimm().nmem + "', or move the file away if the DIMM no longer has it");
  }
  if (passphrase.Spare() == nullptr || options_.dry_run) return Readiness::kToDo;
  Result<void> resolved = ResolveSpare(passphrase);
  if (resolved) return Readiness::kSettled;
  if (resolved.error().code == Errc::kPassphraseRefused) return Readiness::kToDo;
  return Failure(std::move(resolved.error()));
}

/// A DIMM without a passphrase has no use for blobs that are left of an earlier one.
Result<Readiness> PassphraseChecks::CheckSetup(DimmPassphrase& passphrase) {
  if (passphrase.dimm().security == SecurityState::kDisabled) return Readiness::kToDo;
  if (const Candidate* current = passphrase.Current()) {
    images_may_lag_ = true;
    return Fail("it has a passphrase, and " + current->file.name +
                " already exists; change it with 'nvunlock update-passphrase " +
                passphrase.dimm().nmem + "'");
  }
  if (passphrase.Spare() == nullptr) {
    return Fail(
        "it has a passphrase, but no usable blob; use --import-passphrase if you know the "
        "passphrase");
  }
  TRY(CheckHasPassphrase(passphrase));
  return options_.dry_run ? Readiness::kToDo : Readiness::kSettled;
}

Result<Readiness> PassphraseChecks::CheckImport(const DimmPassphrase& passphrase) {
  if (!passphrase.dimm().HasPassphrase()) {
    return Fail("it has no passphrase to import");
  }
  if (!passphrase.HasBlob()) return Readiness::kToDo;
  return Fail("it already has a blob; move that away first");
}

Result<Readiness> PassphraseChecks::CheckRemoval(DimmPassphrase& passphrase) {
  bool is_disabled = passphrase.dimm().security == SecurityState::kDisabled;
  if (is_disabled && passphrase.HasBlob()) return Readiness::kChanged;
  return CheckHasPassphrase(passphrase);
}

Result<Readiness> PassphraseChecks::CheckHasPassphrase(DimmPassphrase& passphrase) {
  const Dimm& dimm = passphrase.dimm();
  if (dimm.security == SecurityState::kDisabled) return Fail("it has no passphrase");
  if (dimm.security != SecurityState::kUnlocked) {
    return Fail(Errc::kDimmLocked,
                "it is locked; run 'nvunlock load-keys' (with --recovery after an unlock at boot), "
                "then 'nvunlock enable-dimm " +
                    dimm.nmem + "'");
  }
  TRY(ResolveSpare(passphrase));
  return Readiness::kToDo;
}

/// Unlocking may have shown which one the DIMM has.
Result<void> PassphraseChecks::ResolveSpare(DimmPassphrase& passphrase) {
  const Candidate* spare = passphrase.Spare();
  if (spare == nullptr || options_.dry_run) return {};
  bool spare_first = options_.role == PassphraseRole::kUser &&
                     HasUnlocked(unlocked_with_, passphrase.dimm().id, *spare);
  TRY(passphrase.TryEachBlob(spare_first));
  has_moved_blobs_ = true;
  return {};
}

}  // namespace nvunlock
