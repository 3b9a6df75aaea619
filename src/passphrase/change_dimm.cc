// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/change_dimm.h"

namespace nvunlock {
namespace {

std::string KeptWords() {
  return "the new passphrase is kept in case the DIMM has it; run the command again to find out";
}

/// For a DIMM that has shown that it could not refuse: it took the old passphrase, or has none.
Error NoRefusal(Error why) {
  if (why.code != Errc::kPassphraseRefused) return why;
  return {Errc::kFailed, "the kernel got no answer from it (Invalid argument)"};
}

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
  return Confirm(passphrase, bus_.Secure(passphrase.dimm().nmem, *command));
}

Result<std::string> DimmChange::Compose(DimmPassphrase& passphrase) const {
  std::string command = Command();
  if (options_.change != PassphraseChange::kSetup) {
    Key key = TRY(passphrase.CurrentKey());
    bool is_update = options_.change == PassphraseChange::kUpdate;
    if (is_update && !TRY(passphrase.TryKey(key))) {
      return Fail(Errc::kPassphraseRefused,
                  "it refused the passphrase of its blob (one attempt is used up)");
    }
    command += " " + std::to_string(key.serial());
  }
  if (options_.change != PassphraseChange::kRemove) {
    command += " " + std::to_string(passphrase.StagedKey().serial());
  }
  return command;
}

/// The DIMM itself says what it has: neither an error nor a success is proof. The kernel answers
/// EINVAL, which means a wrong passphrase, also when it could not read the firmware's answer.
Result<void> DimmChange::Confirm(DimmPassphrase& passphrase, Result<void> sent) {
  if (options_.change == PassphraseChange::kRemove) {
    return ConfirmRemoval(passphrase, std::move(sent));
  }
  bool is_update = options_.change == PassphraseChange::kUpdate;
  if (!sent) {
    return is_update ? ConfirmUpdate(passphrase, std::move(sent.error()))
                     : ConfirmSetup(passphrase, std::move(sent.error()));
  }
  // Asked again, since its first answer may be lost, too.
  if (passphrase.TryIfTaken(passphrase.StagedKey()) ||
      passphrase.TryIfTaken(passphrase.StagedKey()))
    return {};
  return Fail("it accepted the new passphrase but does not confirm it; " + KeptWords());
}

/// Whichever it has, at most one try is used up.
Result<void> DimmChange::ConfirmUpdate(DimmPassphrase& passphrase, Error why) {
  why = NoRefusal(std::move(why));
  if (passphrase.TryIfTaken(TRY(passphrase.CurrentKey())))
    return GiveUp(passphrase, std::move(why));
  if (passphrase.TryIfTaken(passphrase.StagedKey())) return {};
  why.message += "; " + KeptWords();
  return Failure(std::move(why));
}

/// Of a master passphrase nothing can be seen, and asking might cost a try.
Result<void> DimmChange::ConfirmSetup(DimmPassphrase& passphrase, Error why) {
  Result<Dimm> dimm = InspectDimm(bus_, passphrase.dimm().nmem);
  if (!IsMaster() && dimm) {
    bool has_none = dimm->security == SecurityState::kDisabled;
    if (has_none) return GiveUp(passphrase, NoRefusal(std::move(why)));
    if (passphrase.TryIfTaken(passphrase.StagedKey())) return {};
  }
  why.message += "; " + KeptWords();
  return Failure(std::move(why));
}

/// One typing error costs one try, not one of each DIMM.
Result<void> DimmChange::ConfirmImport(DimmPassphrase& passphrase) {
  if (import_refused_) {
    return GiveUp(passphrase,
                  {Errc::kFailed, "not tried, because another DIMM refused this passphrase"});
  }
  Result<bool> taken = TryStaged(passphrase);
  if (taken && *taken) return {};
  import_refused_ = true;
  if (!taken) return GiveUp(passphrase, std::move(taken.error()));
  return GiveUp(passphrase,
                {Errc::kPassphraseRefused, "this is not its passphrase (one attempt is used up)"});
}

/// A DIMM whose passphrase comes from elsewhere may be locked, and shows by unlocking.
Result<bool> DimmChange::TryStaged(DimmPassphrase& passphrase) {
  const Dimm& dimm = passphrase.dimm();
  if (dimm.security != SecurityState::kLocked) return passphrase.TryKey(passphrase.StagedKey());
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
  return Fail("it accepted the command, but still has a passphrase");
}

}  // namespace nvunlock
