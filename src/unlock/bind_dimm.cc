// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/bind_dimm.h"

#include "src/keys/load_blob.h"
#include "src/model/dimm_id.h"
#include "src/unlock/drivers.h"

namespace nvunlock {

DimmOutcome DimmBinder::Bind(const Dimm& dimm) {
  DimmOutcome outcome = {.before = dimm, .after = dimm, .problem = std::nullopt};
  Result<void> bound = BindDriver(dimm);
  Result<void> checked = bound ? Check(outcome) : Failure(std::move(bound.error()));
  if (!checked) outcome.problem = std::move(checked.error());
  Result<Dimm> after = InspectDimm(bus_, dimm.nmem);
  if (after) {
    outcome.after = std::move(*after);
  } else {
    outcome.problem = std::move(after.error());
  }
  return outcome;
}

const std::vector<Key>* DimmBinder::KeysOf(const Dimm& dimm) const {
  auto entry = keys_.keys.find(dimm.id);
  return entry == keys_.keys.end() ? nullptr : &entry->second;
}

Result<void> DimmBinder::BindDriver(const Dimm& dimm) {
  if (dimm.bound && dimm.security != SecurityState::kLocked) return {};
  BindCircumstances circumstances = {.key_loaded = KeysOf(dimm) != nullptr,
                                     .kernel_revalidates = KernelRevalidates(environment_)};
  std::optional<std::string> reason = ReasonNotToBind(dimm, circumstances);
  if (reason) return ExplainUnbound(dimm, *reason);
  // The driver stays bound to a locked DIMM whose labels can be read.
  if (dimm.bound) TRY(bus_.UnbindNmem(dimm.nmem));
  Result<void> bound = bus_.BindNmem(dimm.nmem);
  // A DIMM that refused its passphrase shows it in its state, and that says more.
  if (!bound && dimm.security != SecurityState::kLocked) return bound;
  return {};
}

/// Tells a DIMM of ours whose key is at fault from one that never was ours.
Failure DimmBinder::ExplainUnbound(const Dimm& dimm, const std::string& reason) const {
  auto failed = keys_.failed.find(dimm.id);
  if (failed != keys_.failed.end()) return Failure(failed->second);
  return Fail(Errc::kDimmLocked, reason);
}

Result<void> DimmBinder::Check(DimmOutcome& outcome) {
  Dimm after = TRY(InspectDimm(bus_, outcome.before.nmem));
  if (after.security == SecurityState::kLocked) {
    if (!TRY(TakeSpare(after))) {
      return Fail(Errc::kDimmLocked,
                  "it refused the passphrase of its blob (one attempt is used up)");
    }
    if (after.bound) TRY(bus_.UnbindNmem(after.nmem));
    (void)bus_.BindNmem(after.nmem);  // its state says more
    after = TRY(InspectDimm(bus_, after.nmem));
    if (after.security == SecurityState::kLocked) {
      return Fail(Errc::kDimmLocked,
                  "it refused the passphrases of two blobs (two attempts are used up)");
    }
  }
  if (!after.bound) return Fail("its driver did not bind");
  if (outcome.before.IsUnlocked()) return Revalidate(outcome);
  if (outcome.before.security == SecurityState::kLocked) RecordKey(after);
  return {};
}

/// A DIMM that is unlocked already is asked by setting the passphrase that it should have.
Result<void> DimmBinder::Revalidate(DimmOutcome& outcome) {
  if (!options_.revalidate || outcome.before.frozen) return {};
  if (KeysOf(outcome.before) == nullptr) return ExplainUntested(outcome.before);
  Result<void> sent = SendKey(outcome.before);
  bool refused = !sent && sent.error().code == Errc::kPassphraseRefused;
  if (refused && TRY(TakeSpare(outcome.before))) sent = SendKey(outcome.before);
  if (!sent) {
    return Fail(Errc::kDimmLocked,
                "it is unlocked, but refused the passphrase of its blob: it would stay locked "
                "after a power cycle (" +
                    sent.error().message + ")");
  }
  RecordKey(outcome.before);
  outcome.revalidated = true;
  return {};
}

/// "update KEY KEY" sets the passphrase that is already set: the DIMM refuses a wrong one. This is
/// what libnvdimm's own revalidation does, but here the verdict is seen.
Result<void> DimmBinder::SendKey(const Dimm& dimm) {
  std::string serial = std::to_string(KeysOf(dimm)->front().serial());
  return bus_.Secure(dimm.nmem, "update " + serial + " " + serial);
}

Result<void> DimmBinder::ExplainUntested(const Dimm& dimm) {
  auto failed = keys_.failed.find(dimm.id);
  if (failed == keys_.failed.end()) {
    notes_.push_back(dimm.nmem + " was unlocked by the firmware, and has no key");
    return {};
  }
  // After a kexec there is no key and nothing is wrong with the DIMM.
  if (failed->second.code == Errc::kLatchClosed) return {};
  return Failure(failed->second);
}

/// False when there is none to take, or the DIMM takes no more.
Result<bool> DimmBinder::TakeSpare(const Dimm& dimm) {
  const DimmId& id = dimm.id;
  auto spare = keys_.spares.find(id);
  if (spare == keys_.spares.end() || dimm.frozen || KeysOf(dimm) == nullptr) return false;
  bool is_left = spare->second.file.kind.stage != BlobStage::kCurrent;
  notes_.push_back(dimm.nmem + " refused the passphrase of its blob (one attempt is used up); " +
                   (is_left ? "a change of it was interrupted, " : "") + "trying " +
                   spare->second.file.name + (spare->second.recorded ? "" : ", which is unknown"));
  InvalidateAll(keys_.keys.at(id));
  keys_.keys.erase(id);
  Spare next = std::move(keys_.spares.extract(spare).mapped());
  keys_.keys[id] = TRY(LoadDimmKeys(options_.keyring, id, next.blob, options_.expire_seconds));
  keys_.lines[id] = std::move(next.line);
  return true;
}

void DimmBinder::RecordKey(const Dimm& dimm) {
  const DimmId& id = dimm.id;
  unlocked_with_[id] = keys_.lines[id];
}

}  // namespace nvunlock
