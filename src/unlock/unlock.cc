// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/unlock.h"

#include <algorithm>

#include "src/os/keyring.h"
#include "src/records/record_image.h"
#include "src/records/record_pcrs.h"
#include "src/records/unlearnt.h"
#include "src/records/unlock_record.h"
#include "src/seal/held_update_key.h"
#include "src/seal/latch.h"
#include "src/unlock/drivers.h"
#include "src/unlock/drop_keys.h"
#include "src/unlock/freeze.h"

namespace nvunlock {
namespace {

/// DIMM keys vanish after this time should we die with them loaded. Binding 48 DIMMs took less
/// than a second; real ones take up to some seconds each.
constexpr unsigned kDimmKeySeconds = 600;

bool KeepsKeys(const Config& config) {
  return config.kek_keyring == KekKeyring::kUser;
}

std::vector<Dimm> InspectAll(const NdBus& bus, std::vector<Error>& problems) {
  std::vector<Dimm> dimms;
  for (const std::string& nmem : bus.Nmems()) {
    Result<Dimm> dimm = InspectDimm(bus, nmem);
    if (dimm) {
      dimms.push_back(std::move(*dimm));
    } else {
      problems.push_back(std::move(dimm.error()));
    }
  }
  return dimms;
}

bool IsDone(const Dimm& dimm) {
  return dimm.bound && dimm.security != SecurityState::kLocked &&
         (!dimm.IsUnlocked() || dimm.frozen);
}

/// A second run in the same boot must not unseal again: what it reports; nullopt where something is
/// left to do.
std::optional<UnlockReport> ReportIfDone(const NdBus& bus) {
  UnlockReport report;
  std::vector<Dimm> dimms = InspectAll(bus, report.problems);
  if (dimms.empty() || !std::all_of(dimms.begin(), dimms.end(), IsDone)) return std::nullopt;
  for (const Dimm& dimm : dimms) {
    report.dimms.push_back({.before = dimm, .after = dimm, .problem = std::nullopt});
  }
  return report;
}

void Append(std::vector<std::string> more, std::vector<std::string>& notes) {
  std::move(more.begin(), more.end(), std::back_inserter(notes));
}

void NoteFailure(Result<void> result, std::vector<std::string>& notes) {
  if (!result) notes.push_back(std::move(result.error().message));
}

/// What approves the next boot in the booted system: the update key, and what to learn.
void PrepareUpdates(const Environment& environment, const Config& config, const KeyFile& file,
                    const Secret& kek, bool approved, std::vector<std::string>& notes) {
  if (file.slots.empty()) return;
  if (!approved) {
    notes.push_back(file.kek.ToString() +
                    ": what booted is not approved for good yet; 'nvunlock approve --learn', which "
                    "runs once the system is up, does that");
    NoteFailure(RecordUnlearnt(environment, file.kek), notes);
  }
  bool hold = !approved || config.updates == Updates::kUnattended;
  if (hold) NoteFailure(HoldUpdateKey(environment, file, kek), notes);
}

LoadKeysOptions OptionsForLoading(const Environment& environment, const UnlockOptions& options) {
  bool keep = KeepsKeys(options.config);
  return {.keyring = Keyring(environment.keyring),
          .keep_kek = keep,
          .expire_seconds = keep ? 0 : kDimmKeySeconds,
          .host = environment.host,
          .signature_files = environment.signature_files,
          .ask_recovery = options.ask_recovery,
          .ask_pin = options.ask_pin};
}

LoadedKeys LoadAll(const Environment& environment, const UnlockOptions& options,
                   TpmConnection& connection, UnlockReport& report) {
  Result<void> recorded = RecordPcrs(environment, connection);
  if (!recorded) report.notes.push_back(std::move(recorded.error().message));
  recorded = RecordImage(environment);
  if (!recorded) report.notes.push_back(std::move(recorded.error().message));
  LoadKeysOptions load = OptionsForLoading(environment, options);
  load.on_opened = [&](const KeyFile& file, const Secret& kek, bool approved) {
    PrepareUpdates(environment, options.config, file, kek, approved, report.notes);
  };
  Result<LoadedKeys> keys = LoadKeys(KeyStore(environment.keys_dir), connection, load);
  if (!keys) {
    report.problems.push_back(std::move(keys.error()));
    return {};
  }
  std::move(keys->problems.begin(), keys->problems.end(), std::back_inserter(report.problems));
  Append(std::move(keys->notes), report.notes);
  return std::move(*keys);
}

Result<void> FreezeIfOpen(const NdBus& bus, const Config& config, DimmOutcome& outcome,
                          std::vector<std::string>& notes) {
  if (!outcome.after.IsUnlocked() || outcome.after.frozen) return {};
  if (!config.freeze) {
    notes.push_back(outcome.after.nmem + " is not frozen, because of nvunlock.freeze=no");
    return {};
  }
  TRY(FreezeDimm(bus, outcome.after.nmem));
  outcome.after.frozen = true;
  return {};
}

Result<void> Record(const Environment& environment, const std::vector<DimmOutcome>& dimms,
                    const std::map<DimmId, RecordLine>& unlocked_with) {
  UnlockedWith blobs = ReadUnlockedWith(environment);  // a second run opens what is left
  for (const DimmOutcome& outcome : dimms) {
    auto taken = unlocked_with.find(outcome.after.id);
    if (taken == unlocked_with.end()) continue;
    blobs[taken->first] = {
        .hash = taken->second.hash, .frozen = outcome.after.frozen, .line = taken->second};
  }
  return blobs.empty() ? Result<void>() : WriteUnlockedWith(environment, blobs);
}

void BindAll(const Environment& environment, const Config& config, LoadedKeys& keys,
             UnlockReport& report) {
  NdBus bus(environment.sysfs_root);
  BindOptions options = {.keyring = Keyring(environment.keyring),
                         .expire_seconds = KeepsKeys(config) ? 0 : kDimmKeySeconds,
                         .revalidate = config.key_revalidate};
  DimmBinder binder(environment, options, keys);
  for (const Dimm& dimm : InspectAll(bus, report.problems)) {
    DimmOutcome outcome = binder.Bind(dimm);
    Result<void> frozen = FreezeIfOpen(bus, config, outcome, report.notes);
    if (!frozen && !outcome.problem) outcome.problem = std::move(frozen.error());
    report.dimms.push_back(std::move(outcome));
    // Erased, disabled by somebody, or another DIMM under the same id.
    if (dimm.security != SecurityState::kDisabled || !keys.keys.contains(dimm.id)) continue;
    report.notes.push_back(dimm.nmem + " " + dimm.id.spelling() +
                           " has a blob, but no longer a passphrase");
  }
  Append(binder.notes(), report.notes);
  Result<void> recorded = Record(environment, report.dimms, binder.unlocked_with());
  if (!recorded) report.notes.push_back(std::move(recorded.error().message));
}

Result<void> BringUp(const Environment& environment, const Config& config, LoadedKeys& keys,
                     UnlockReport& report) {
  if (!HasDimmHardware(environment)) return {};
  TRY(LoadLibnvdimm(environment));
  NdBus bus(environment.sysfs_root);
  AutoprobePause pause = TRY(AutoprobePause::Start(bus));
  Result<void> drivers = LoadDimmDrivers(environment);
  if (!drivers) report.problems.push_back(std::move(drivers.error()));
  ProbeBuses(bus);
  BindAll(environment, config, keys, report);
  TRY(pause.Resume());
  ProbeTheRest(bus);
  return {};
}

void Drop(const std::vector<Key>& keys, std::vector<Error>& problems) {
  for (const Key& key : keys) {
    Result<void> dropped = key.Invalidate();
    if (!dropped) problems.push_back(std::move(dropped.error()));
  }
}

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
  TpmConnection tpm(environment.tpm_device);
  Result<DirectoryLock> turn = HoldKeys(environment);
  std::optional<UnlockReport> done = ReportIfDone(NdBus(environment.sysfs_root));
  UnlockReport report = done.value_or(UnlockReport());
  if (!turn) report.notes.push_back(std::move(turn.error().message));
  LoadedKeys keys;
  if (!done) keys = LoadAll(environment, options, tpm, report);
  // Whatever came before: nobody else shall unseal in this boot.
  tpm.HangUp();
  std::vector<Error> unclosed = CloseLatchesAtBoot(environment, tpm);
  std::move(unclosed.begin(), unclosed.end(), std::back_inserter(report.problems));
  if (done) return report;
  Result<void> brought_up = BringUp(environment, options.config, keys, report);
  if (!brought_up) report.problems.push_back(std::move(brought_up.error()));
  Drop(keys.held_keks, report.problems);
  if (KeepsKeys(options.config)) return report;
  for (const auto& [id, dimm_keys] : keys.keys) Drop(dimm_keys, report.problems);
  return report;
}

}  // namespace nvunlock
