// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/load_keys.h"

#include <algorithm>
#include <set>

#include "src/keys/clear_kek.h"
#include "src/keys/load_blob.h"
#include "src/keys/recorded_blobs.h"
#include "src/os/file.h"
#include "src/unlock/obtain_kek.h"

namespace nvunlock {
namespace {

/// Which blob is used is known only when every kek has said which blobs and lines it vouches for,
/// and no kek stays in memory until then: what each has said is kept here.
class KeyLoader {
 public:
  KeyLoader(const KeyStore& store, TpmConnection& tpm, const LoadKeysOptions& options)
      : store_(store), tpm_(tpm), options_(options), rules_{store.directory(), options.host} {}

  Result<LoadedKeys> Run() {
    record_ = ReadBlobRecord(store_, loaded_.notes);
    found_ = TRY(FindBlobs(store_, rules_));
    std::erase_if(found_, [&](const auto& entry) { return !IsAskedFor(entry.first); });
    for (const auto& [name, is_needed] : TRY(KeksToPlace())) {
      Place(TRY(ParseKekName(name)), is_needed);
    }
    for (auto& [id, files] : found_) {
      for (FoundBlob& file : files) Judge(file);
    }
    LoadChosen(ChooseAmong(found_, recorded_, rules_));
    if (!options_.keep_kek) DropKeks();
    return std::move(loaded_);
  }

 private:
  /// By name: whether a blob needs it that is used unless the record, which no kek vouches for yet,
  /// knows better.
  Result<std::map<std::string, bool>> KeksToPlace() const {
    std::map<std::string, bool> keks;
    BlobChoice guess = ChooseAmong(found_, RecordedBlobs(), rules_);
    for (const auto& [id, files] : found_) {
      for (const FoundBlob& file : files) {
        if (!file.blob) continue;
        bool is_needed =
            guess.unusable.contains(id) || guess.chosen.at(id).file.name == file.file.name;
        keks[file.blob->kek.ToString()] |= is_needed;
      }
    }
    AddKeksOfMissing(keks);
    // Before the first passphrase is set, a boot is learnt already.
    bool is_first = keks.empty() && options_.only.empty();
    if (!options_.all_keks && !is_first) return keks;
    for (const KekName& kek : TRY(store_.EnrolledKeks())) {
      keks[kek.ToString()] = options_.all_keks;
    }
    bool wants_clear = options_.clear_keks && IsOnlyInClear(store_, NdctlKek());
    if (wants_clear) keks[NdctlKek().ToString()] = true;
    return keks;
  }

  /// A DIMM that lost its blob is told from one that never was ours by its line, for which only the
  /// kek vouches.
  void AddKeksOfMissing(std::map<std::string, bool>& keks) const {
    const std::string prefix = PassphraseName(PassphraseRole::kUser, "");
    for (const RecordLine& line : record_.lines) {
      if (!line.passphrase.starts_with(prefix)) continue;
      std::string id = line.passphrase.substr(prefix.size());
      if (found_.contains(id) || !IsAskedFor(id)) continue;
      Result<KekName> kek = ParseKekName(line.kek);
      if (kek && Exists(store_.PathOf(kek->KeyFileName()))) keks.try_emplace(line.kek, false);
    }
  }

  [[nodiscard]] bool IsAskedFor(const DimmId& id) const {
    return options_.only.empty() || options_.only.contains(id);
  }

  void Place(const KekName& name, bool is_needed) {
    Result<Key> kek = PlaceKek(name);
    if (kek) {
      loaded_.keks_loaded++;
      keks_.emplace(name.ToString(), *kek);
      return;
    }
    kek_failures_.emplace(name.ToString(), kek.error().code);
    if (is_needed) {
      loaded_.problems.push_back(std::move(kek.error()));
    } else {
      loaded_.notes.push_back(std::move(kek.error().message));
    }
  }

  /// Puts the kek into its keyring, and finds out what of blobs and record it vouches for: it is in
  /// memory here and nowhere later.
  Result<Key> PlaceKek(const KekName& name) {
    if (name.type != "user") {
      return Fail(name.ToString() + ": trusted keks are not supported yet");
    }
    std::optional<Key> present = TRY(options_.keyring.Find("user", name.description));
    Secret kek = TRY(ObtainKek({store_, tpm_, options_}, name, present, loaded_));
    size_t damaged = TRY(AddAuthentic(record_, name, kek, recorded_));
    NoteDamagedLines(store_, damaged, loaded_.notes);
    for (const auto& [id, files] : found_) {
      for (const FoundBlob& file : files) TRY(Verify(id, file, name, kek));
    }
    return present ? *present : AddKek(name, kek);
  }

  /// A blob whose HMAC holds gets its line of the record now: it counts once the DIMM takes it.
  Result<void> Verify(const DimmId& id, const FoundBlob& file, const KekName& name,
                      const Secret& kek) {
    if (!file.blob || file.blob->kek != name || !VerifyEnc32(*file.blob, kek)) return {};
    std::string passphrase = PassphraseName(PassphraseRole::kUser, id);
    verified_[file.file.name] = TRY(MakeRecordLine(passphrase, *file.blob, kek));
    return {};
  }

  [[nodiscard]] Result<Key> AddKek(const KekName& name, const Secret& kek) const {
    Keyring keyring = options_.keep_kek ? options_.keyring : Keyring::Process();
    Key key = TRY(keyring.AddUser(name.description, kek.bytes()));
    if (options_.expire_seconds != 0) TRY(key.ExpireAfter(options_.expire_seconds));
    if (!options_.keep_kek) TRY(RestrictToSearch(key));
    return key;
  }

  /// From here on a blob whose kek does not vouch for it is of no use.
  void Judge(FoundBlob& file) const {
    if (!file.blob) return;
    std::string kek = file.blob->kek.ToString();
    if (!keks_.contains(kek)) {
      auto failure = kek_failures_.find(kek);
      file.blob = Fail(failure->second, "its kek " + kek + " is unavailable");
    } else if (!verified_.contains(file.file.name)) {
      file.blob =
          Fail(Errc::kKeysIncomplete, "its blob is damaged, or wrapped by another kek than " + kek +
                                          " (its HMAC does not hold)");
    }
  }

  void LoadChosen(BlobChoice choice) {
    loaded_.failed = std::move(choice.unusable);
    loaded_.failed.merge(choice.missing);
    std::move(choice.notes.begin(), choice.notes.end(), std::back_inserter(loaded_.notes));
    for (const auto& [id, chosen] : choice.chosen) LoadDimm(id, chosen);
  }

  void LoadDimm(const DimmId& id, const ChosenBlob& chosen) {
    Result<std::vector<Key>> keys =
        LoadDimmKeys(options_.keyring, id, chosen.blob, options_.expire_seconds);
    if (!keys) {
      loaded_.failed.emplace(id, std::move(keys.error()));
      return;
    }
    NoteUnknown(id, chosen);
    loaded_.keys.emplace(id, std::move(*keys));
    loaded_.lines.emplace(id, verified_.at(chosen.file.name));
    if (!chosen.spare) return;
    loaded_.spares.emplace(id, Spare{*chosen.spare, verified_.at(chosen.spare->file.name)});
  }

  /// Where nothing is enrolled, blobs are ndctl's, which keeps no record.
  void NoteUnknown(const DimmId& id, const Candidate& chosen) {
    if (chosen.recorded || !Exists(store_.PathOf(chosen.blob.kek.KeyFileName()))) return;
    loaded_.notes.push_back(id.canonical() + ": " + chosen.file.name +
                            " is unknown: " + kEnrolledDimmsFile +
                            " does not record it; used because no other blob exists");
  }

  /// A spare is loaded only once its DIMM has refused the other, and needs its kek then.
  void DropKeks() {
    for (const auto& [name, kek] : keks_) {
      if (HasSpare(name)) {
        loaded_.held_keks.push_back(kek);
        continue;
      }
      Result<void> dropped = kek.Invalidate();
      if (!dropped) loaded_.problems.push_back(std::move(dropped.error()));
    }
  }

  [[nodiscard]] bool HasSpare(const std::string& kek) const {
    return std::any_of(loaded_.spares.begin(), loaded_.spares.end(),
                       [&](const auto& entry) { return entry.second.blob.kek.ToString() == kek; });
  }

  const KeyStore& store_;
  TpmConnection& tpm_;
  const LoadKeysOptions& options_;
  ChoiceRules rules_;
  BlobRecord record_;
  RecordedBlobs recorded_;
  FoundBlobs found_;
  std::map<std::string, Key> keks_;             ///< that are in their keyring
  std::map<std::string, Errc> kek_failures_;    ///< of those that could not be had
  std::map<std::string, RecordLine> verified_;  ///< by the name of the blob's file
  LoadedKeys loaded_;
};

}  // namespace

Result<LoadedKeys> LoadKeys(const KeyStore& store, TpmConnection& tpm,
                            const LoadKeysOptions& options) {
  return KeyLoader(store, tpm, options).Run();
}

}  // namespace nvunlock
