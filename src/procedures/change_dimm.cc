#include "src/procedures/change_dimm.h"

namespace nvunlock {
namespace {

Result<void> GiveUp(DimmPassphrase& passphrase, Error why) {
  TRY(passphrase.DropStaged());
  return Failure(std::move(why));
}

}  // namespace

std::string DimmChange::Command() const {
  switch (options_.change) {
    case PassphraseChange::kSetup:
      return IsMaster() ? "master_update 0" : "update 0";
    case PassphraseChange::kUpdate:
      return IsMaster() ? "master_update" : "update";
    case PassphraseChange::kRemove:
      break;
  }
  return IsMaster() ? "disable_master" : "disable";
}

Result<void> DimmChange::Apply(DimmPassphrase& passphrase) {
  if (options_.import != nullptr) return ConfirmImport(passphrase);
  Result<std::string> command = Compose(passphrase);
  if (!command) return GiveUp(passphrase, std::move(command.error()));
  Result<void> sent = bus_.Secure(passphrase.dimm().nmem, *command);
  if (options_.change == PassphraseChange::kRemove) {
    return ConfirmRemoval(passphrase, std::move(sent));
  }
  return Confirm(passphrase, sent);
}

Result<std::string> DimmChange::Compose(DimmPassphrase& passphrase) const {
  std::string command = Command();
  if (options_.change != PassphraseChange::kSetup) {
    command += " " + std::to_string(TRY(passphrase.CurrentKey()).serial());
  }
  if (options_.change != PassphraseChange::kRemove) {
    command += " " + std::to_string(passphrase.StagedKey().serial());
  }
  return command;
}

/// The DIMM itself says which of the two it has: neither an error nor a success is proof.
Result<void> DimmChange::Confirm(DimmPassphrase& passphrase, const Result<void>& sent) {
  if (!sent && IsUnchanged(passphrase, sent.error())) return GiveUp(passphrase, sent.error());
  Result<bool> taken = Takes(passphrase);
  if (taken && *taken) return {};
  if (taken && !sent) return GiveUp(passphrase, sent.error());
  Error why = {Errc::kFailed, "it took a new passphrase, and does not have it"};
  if (!taken) why = std::move(taken.error());
  if (!sent) why = sent.error();
  why.message += "; both passphrases are kept, and the next unlock or try finds out";
  return Failure(std::move(why));
}

/// The old passphrase was refused, nothing was sent, or the DIMM still has none.
bool DimmChange::IsUnchanged(const DimmPassphrase& passphrase, const Error& error) const {
  if (error.code == Errc::kPassphraseRefused || error.code == Errc::kKeysIncomplete ||
      error.code == Errc::kUnsupported) {
    return true;
  }
  Result<Dimm> dimm = InspectDimm(bus_, passphrase.dimm().nmem);
  return !IsMaster() && dimm && dimm->security == SecurityState::kDisabled;
}

/// One typing error costs one try, not one of each DIMM.
Result<void> DimmChange::ConfirmImport(DimmPassphrase& passphrase) {
  if (import_refused_) {
    return GiveUp(passphrase,
                  {Errc::kFailed, "not tried, since another DIMM has refused this passphrase"});
  }
  Result<bool> taken = Takes(passphrase);
  if (taken && *taken) return {};
  import_refused_ = true;
  if (!taken) return GiveUp(passphrase, std::move(taken.error()));
  return GiveUp(passphrase,
                {Errc::kPassphraseRefused, "this is not its passphrase (one try is used up)"});
}

/// A DIMM whose passphrase comes from elsewhere may be locked, and shows by unlocking.
Result<bool> DimmChange::Takes(DimmPassphrase& passphrase) {
  const Dimm& dimm = passphrase.dimm();
  if (dimm.security != SecurityState::kLocked) return passphrase.Takes(passphrase.StagedKey());
  TRY(passphrase.PublishStaged());
  if (dimm.bound) TRY(bus_.UnbindNmem(dimm.nmem));
  (void)bus_.BindNmem(dimm.nmem);  // its state says more
  return TRY(InspectDimm(bus_, dimm.nmem)).security == SecurityState::kUnlocked;
}

Result<void> DimmChange::ConfirmRemoval(const DimmPassphrase& passphrase, Result<void> sent) {
  if (IsMaster()) return sent;
  Dimm dimm = TRY(InspectDimm(bus_, passphrase.dimm().nmem));
  if (dimm.security == SecurityState::kDisabled) return {};
  if (!sent) return sent;
  return Fail("it took the command, but still has a passphrase");
}

}  // namespace nvunlock
