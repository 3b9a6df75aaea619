// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/unlock.h"

#include <algorithm>

#include "src/os/keyring.h"
#include "src/records/record_image.h"
#include "src/records/record_pcrs.h"
#include "src/records/unlock_record.h"
#include "src/seal/boot_reseal.h"
#include "src/seal/latch.h"
#include "src/unlock/drivers.h"
#include "src/unlock/drop_keys.h"
#include "src/unlock/freeze.h"

namespace nvunlock {
namespace {

/// DIMM keys vanish after this time should we die with them loaded. Binding 48 DIMMs took less
/// than a second; real ones take up to some seconds each.
constexpr unsigned kDimmKeySeconds = 600;

/// One run of Unlock.
class Unlocker {
 public:
  Unlocker(const Environment& environment, const UnlockOptions& options)
      : environment_(environment),
        options_(options),
        config_(options.config),
        store_(environment.keys_dir),
        tpm_(environment.tpm_device),
        bus_(environment.sysfs_root) {}

  UnlockReport Run() {
    Result<DirectoryLock> turn = HoldKeys(environment_);
    bool nothing_left_to_do = NothingLeftToDo();
    if (!turn) report_.notes.push_back(std::move(turn.error().message));
    if (nothing_left_to_do) {
      LockTheTpmUp();
    } else {
      LoadDimmKeys();
      LockTheTpmUp();
      Result<void> brought_up = BringUp();
      if (!brought_up) Complain(std::move(brought_up.error()));
      DropKeys();
    }
    return std::move(report_);
  }

 private:
  void Complain(Error error) { report_.problems.push_back(std::move(error)); }

  /// A second run in the same boot must not unseal again.
  bool NothingLeftToDo() {
    std::vector<Dimm> dimms = InspectAll();
    bool done = !dimms.empty() && std::all_of(dimms.begin(), dimms.end(), [](const Dimm& dimm) {
      return dimm.bound && dimm.security != SecurityState::kLocked &&
             (!dimm.IsUnlocked() || dimm.frozen);
    });
    if (!done) report_ = {};
    for (Dimm& dimm : dimms) {
      if (done) report_.dimms.push_back({.before = dimm, .after = dimm, .problem = std::nullopt});
    }
    return done;
  }

  /// Whatever came before: nobody else shall unseal in this boot.
  void LockTheTpmUp() {
    tpm_.HangUp();
    for (Error& problem : CloseLatchesAtBoot(environment_, tpm_)) Complain(std::move(problem));
  }

  void LoadDimmKeys() {
    Result<void> recorded = RecordPcrs(environment_, tpm_);
    if (!recorded) report_.notes.push_back(std::move(recorded.error().message));
    recorded = RecordImage(environment_);
    if (!recorded) report_.notes.push_back(std::move(recorded.error().message));
    bool keep = KeepsKeys();
    LoadKeysOptions options = {.keyring = Keyring(environment_.keyring),
                               .keep_kek = keep,
                               .expire_seconds = keep ? 0 : kDimmKeySeconds,
                               .host = environment_.host,
                               .signature_files = environment_.signature_files,
                               .ask_recovery = options_.ask_recovery,
                               .ask_pin = options_.ask_pin};
    options.on_recovered = [this](const KeyFile& file, const Secret& kek, const Error& why) {
      OfferReseal(file, kek, why);
    };
    Result<LoadedKeys> loaded = LoadKeys(store_, tpm_, options);
    if (!loaded) return Complain(std::move(loaded.error()));
    keys_ = std::move(*loaded);
    for (Error& problem : keys_.problems) Complain(std::move(problem));
    std::move(keys_.notes.begin(), keys_.notes.end(), std::back_inserter(report_.notes));
  }

  /// While the latch is open and the PCRs are what the next boot's unlock will find.
  void OfferReseal(const KeyFile& file, const Secret& kek, const Error& why) {
    if (!options_.ask_reseal || !CanResealAtBoot(file, why)) return;
    Result<Tpm*> tpm = tpm_.Get();
    if (!tpm || !options_.ask_reseal(file.kek, why)) return;
    auto resealed = ResealAtBoot(environment_, **tpm, file, kek);
    if (!resealed) {
      report_.notes.push_back("sealing anew failed: " + resealed.error().message);
      return;
    }
    std::move(resealed->begin(), resealed->end(), std::back_inserter(report_.notes));
    report_.notes.push_back(file.kek.ToString() + " is sealed to what has been booted now; " +
                            "once booted, 'nvunlock adopt' puts that into the keys directory");
  }

  Result<void> BringUp() {
    if (!HasDimmHardware(environment_)) return {};
    TRY(LoadLibnvdimm(environment_));
    AutoprobePause pause = TRY(AutoprobePause::Start(bus_));
    Result<void> drivers = LoadDimmDrivers(environment_);
    if (!drivers) Complain(std::move(drivers.error()));
    ProbeBuses(bus_);
    OpenAll();
    TRY(pause.Resume());
    ProbeTheRest(bus_);
    return {};
  }

  std::vector<Dimm> InspectAll() {
    std::vector<Dimm> dimms;
    for (const std::string& nmem : bus_.Nmems()) {
      Result<Dimm> dimm = InspectDimm(bus_, nmem);
      if (dimm) {
        dimms.push_back(std::move(*dimm));
      } else {
        Complain(std::move(dimm.error()));
      }
    }
    return dimms;
  }

  void OpenAll() {
    DimmBinder binder(environment_, OptionsForBinding(), keys_);
    for (const Dimm& dimm : InspectAll()) {
      DimmOutcome outcome = binder.Bind(dimm);
      Result<void> frozen = FreezeIfOpen(outcome);
      if (!frozen && !outcome.problem) outcome.problem = std::move(frozen.error());
      report_.dimms.push_back(std::move(outcome));
      NoteLostSecurity(dimm);
    }
    report_.notes.insert(report_.notes.end(), binder.notes().begin(), binder.notes().end());
    Record(binder);
  }

  [[nodiscard]] BindOptions OptionsForBinding() const {
    return {.keyring = Keyring(environment_.keyring),
            .expire_seconds = KeepsKeys() ? 0 : kDimmKeySeconds,
            .revalidate = config_.key_revalidate};
  }

  void Record(const DimmBinder& binder) {
    UnlockedWith blobs = ReadUnlockedWith(environment_);  // a second run opens what is left
    for (const DimmOutcome& outcome : report_.dimms) {
      auto taken = binder.unlocked_with().find(outcome.after.id);
      if (taken == binder.unlocked_with().end()) continue;
      blobs[taken->first] = {
          .hash = taken->second.hash, .frozen = outcome.after.frozen, .line = taken->second};
    }
    Result<void> written = blobs.empty() ? Result<void>() : WriteUnlockedWith(environment_, blobs);
    if (!written) report_.notes.push_back(std::move(written.error().message));
  }

  /// Erased, disabled by somebody, or another DIMM under the same id.
  void NoteLostSecurity(const Dimm& dimm) {
    bool has_key = keys_.keys.contains(dimm.id);
    if (dimm.security != SecurityState::kDisabled || !has_key) return;
    report_.notes.push_back(dimm.nmem + " " + dimm.id.spelling() +
                            " has a blob, but no passphrase any more");
  }

  Result<void> FreezeIfOpen(DimmOutcome& outcome) {
    if (!outcome.after.IsUnlocked() || outcome.after.frozen) return {};
    if (!config_.freeze) {
      report_.notes.push_back(outcome.after.nmem + " is not frozen, as the command line wants it");
      return {};
    }
    TRY(FreezeDimm(bus_, outcome.after.nmem));
    outcome.after.frozen = true;
    return {};
  }

  [[nodiscard]] bool KeepsKeys() const { return config_.kek_keyring == KekKeyring::kUser; }

  void DropKeys() {
    Drop(keys_.held_keks);
    if (KeepsKeys()) return;
    for (const auto& [id, keys] : keys_.keys) Drop(keys);
  }

  void Drop(const std::vector<Key>& keys) {
    for (const Key& key : keys) {
      Result<void> dropped = key.Invalidate();
      if (!dropped) Complain(std::move(dropped.error()));
    }
  }

  const Environment& environment_;
  const UnlockOptions& options_;
  const Config& config_;
  KeyStore store_;
  TpmConnection tpm_;
  NdBus bus_;
  LoadedKeys keys_;
  UnlockReport report_;
};

/// Deepest cause first: without its TPM a machine's DIMMs stay locked, not the other way round.
constexpr Errc kDepth[] = {
    Errc::kTpmNotReady,    Errc::kNoTpm,        Errc::kWrongTpm,      Errc::kNoSignature,
    Errc::kPolicyMismatch, Errc::kLatchClosed,  Errc::kLatchGone,     Errc::kLockout,
    Errc::kWrongPin,       Errc::kPcrsChanging, Errc::kBadKeyFile,    Errc::kKeysIncomplete,
    Errc::kDimmLocked,     Errc::kNotFrozen,    Errc::kOwnerPassword, Errc::kFailed};

}  // namespace

std::optional<Errc> Deepest(const std::set<Errc>& codes) {
  for (Errc code : kDepth) {
    if (codes.contains(code)) return code;
  }
  return std::nullopt;
}

std::optional<Errc> UnlockReport::Verdict() const {
  std::set<Errc> codes;
  for (const Error& problem : problems) codes.insert(problem.code);
  for (const DimmOutcome& outcome : dimms) {
    if (outcome.problem) codes.insert(outcome.problem->code);
  }
  return Deepest(codes);
}

UnlockReport Unlock(const Environment& environment, const UnlockOptions& options) {
  return Unlocker(environment, options).Run();
}

}  // namespace nvunlock
