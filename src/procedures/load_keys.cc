#include "src/procedures/load_keys.h"

#include <algorithm>
#include <set>

#include "src/os/file.h"
#include "src/procedures/blob_key.h"
#include "src/procedures/clear_kek.h"
#include "src/procedures/enrolled_record.h"
#include "src/procedures/kek.h"
#include "src/procedures/operation_kek.h"
#include "src/procedures/signed_pcrs.h"

namespace nvunlock {
namespace {

/// Canonical DIMM id to its blobs.
using Blobs = std::map<std::string, ChosenBlob>;

/// One run of LoadKeys.
class KeyLoader {
 public:
  KeyLoader(const KeyStore& store, TpmConnection& tpm, const LoadKeysOptions& options)
      : store_(store), tpm_(tpm), options_(options) {}

  Result<LoadedKeys> Run() {
    std::optional<EnrolledDimms> enrolled;
    if (auto record = ReadEnrolledRecord(store_, loaded_.notes)) {
      enrolled_text_ = std::move(record->text);
      enrolled = std::move(record->dimms);
    }
    BlobChoice choice = TRY(ChooseBlobs(store_, options_.host, enrolled));
    if (!options_.only.empty()) {
      std::erase_if(choice.chosen,
                    [&](const auto& entry) { return !options_.only.contains(entry.first); });
    }
    loaded_.failed = std::move(choice.unusable);
    std::move(choice.notes.begin(), choice.notes.end(), std::back_inserter(loaded_.notes));
    for (const auto& [name, is_needed] : TRY(KeksFor(choice.chosen))) {
      Place(TRY(ParseKekName(name)), is_needed, choice.chosen);
    }
    for (auto& [id, chosen] : choice.chosen) LoadDimm(id, std::move(chosen));
    if (!options_.keep_kek) DropKeks();
    return std::move(loaded_);
  }

 private:
  /// By name; a kek that only spares are wrapped with is not needed.
  Result<std::map<std::string, bool>> KeksFor(const Blobs& blobs) const {
    std::map<std::string, bool> keks;
    for (const auto& [id, chosen] : blobs) {
      keks[chosen.blob.kek.ToString()] = true;
      if (chosen.spare) keks.try_emplace(chosen.spare->blob.kek.ToString(), false);
    }
    if (!options_.all_keks) return keks;
    for (const KekName& kek : TRY(store_.EnrolledKeks())) keks[kek.ToString()] = true;
    bool wants_clear = options_.clear_keks && IsOnlyInClear(store_, NdctlKek());
    if (wants_clear) keks[NdctlKek().ToString()] = true;
    return keks;
  }

  void Place(const KekName& name, bool is_needed, const Blobs& blobs) {
    Result<Key> kek = PlaceKek(name, blobs);
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

  /// Puts the kek into its keyring, and finds out which blobs it verifies: it is in memory here and
  /// nowhere later.
  Result<Key> PlaceKek(const KekName& name, const Blobs& blobs) {
    if (name.type != "user") {
      return Fail(name.ToString() + ": trusted keks are not handled yet");
    }
    std::optional<Key> present = TRY(options_.keyring.Find("user", name.description));
    Secret kek = present ? TRY(CheckPresentKek(*present, name)) : TRY(ObtainFromStore(name));
    for (const auto& [id, chosen] : blobs) {
      Verify(chosen, name, kek);
      if (chosen.spare) Verify(*chosen.spare, name, kek);
    }
    TRY(CheckEnrolledMac(name, kek));
    return present ? *present : AddKek(name, kek);
  }

  void Verify(const Candidate& candidate, const KekName& name, const Secret& kek) {
    bool is_good = candidate.blob.kek == name && VerifyEnc32(candidate.blob, kek);
    if (is_good) verified_.insert(candidate.file.name);
  }

  /// What nobody has sealed opens nothing at boot.
  Result<Secret> ObtainInClear(const KekName& name) {
    TRY(CheckNoTrustedKek(store_, name));
    std::string words = store_.PathOf(name.ClearFileName()) + " holds " + name.ToString() +
                        " in clear; where there is a TPM, 'nvunlock enroll --import" +
                        OptionForKek(name) + "' seals it";
    if (!options_.clear_keks) return Fail(Errc::kBadKeyFile, std::move(words));
    loaded_.notes.push_back(std::move(words));
    return ReadClearKek(store_, name);
  }

  Result<Secret> ObtainFromStore(const KekName& name) {
    if (options_.keyring_only) {
      return Fail(Errc::kKekMissing, name.ToString() + " is not in the keyring");
    }
    if (IsOnlyInClear(store_, name)) return ObtainInClear(name);
    KeyFile file = TRY(store_.ReadKeyFile(name));
    for (const Error& problem : file.problems) {
      loaded_.notes.push_back(store_.PathOf(name.KeyFileName()) + ": " + problem.message);
    }
    for (std::string& note : AttachSignatures(options_.signature_files, file)) {
      loaded_.notes.push_back(std::move(note));
    }
    Result<Secret> unsealed = UnsealFrom(file);
    bool ask = !unsealed && options_.ask_recovery && !file.recovery.empty() &&
               unsealed.error().code != Errc::kLatchClosed;
    return ask ? Recover(file, unsealed.error()) : std::move(unsealed);
  }

  Result<Secret> UnsealFrom(const KeyFile& file) {
    if (options_.recovery_only) return Fail(file.kek.ToString() + ": the TPM is not asked");
    if (file.slots.empty()) return Fail(Errc::kBadKeyFile, file.kek.ToString() + ": no TPM slot");
    Tpm* tpm = TRY_IN(file.kek.ToString(), tpm_.Get());
    return UnsealKek(*tpm, file, options_.ask_pin);
  }

  Result<Secret> Recover(const KeyFile& file, const Error& why) {
    constexpr int kTries = 3;
    Error reason = why;
    for (int i = 0; i < kTries; i++) {
      Result<Secret> typed = options_.ask_recovery(file.kek, reason);
      if (!typed) {
        loaded_.notes.push_back("no recovery: " + typed.error().message);
        return Failure(why);
      }
      Result<Secret> kek = OpenRecovery(file, *typed);
      if (kek) {
        loaded_.recovered.push_back(file.kek);
        if (options_.on_recovered) options_.on_recovered(file, *kek, why);
        return kek;
      }
      reason = std::move(kek.error());
    }
    return Failure(std::move(reason).Within(file.kek.ToString()));
  }

  Result<Secret> CheckPresentKek(const Key& key, const KekName& name) {
    Secret kek = TRY_IN(name.ToString() + " in the keyring", key.Read());
    if (!Exists(store_.PathOf(name.KeyFileName()))) return kek;
    KeyFile file = TRY(store_.ReadKeyFile(name));
    if (TRY(KekCheckValue(kek)) != file.check_value) {
      return AnotherInKeyring(name, store_.PathOf(name.KeyFileName()));
    }
    return kek;
  }

  Result<void> CheckEnrolledMac(const KekName& name, const Secret& kek) {
    if (enrolled_text_.find("mac " + name.ToString() + " ") == std::string::npos) return {};
    if (!TRY(VerifyEnrolledDimms(enrolled_text_, name, kek))) {
      loaded_.notes.push_back(
          store_.PathOf(kEnrolledDimmsFile) +
          " was changed by something else than nvunlock (its MAC does not hold)");
    }
    return {};
  }

  [[nodiscard]] Result<Key> AddKek(const KekName& name, const Secret& kek) const {
    Keyring keyring = options_.keep_kek ? options_.keyring : Keyring::Process();
    Key key = TRY(keyring.AddUser(name.description, kek.bytes()));
    if (options_.expire_seconds != 0) TRY(key.ExpireAfter(options_.expire_seconds));
    if (!options_.keep_kek) TRY(RestrictToSearch(key));
    return key;
  }

  [[nodiscard]] bool IsGood(const Candidate& candidate) const {
    return verified_.contains(candidate.file.name) && keks_.contains(candidate.blob.kek.ToString());
  }

  [[nodiscard]] Error WhyNotGood(const Candidate& candidate) const {
    std::string kek = candidate.blob.kek.ToString();
    auto failure = kek_failures_.find(kek);
    if (failure != kek_failures_.end()) {
      return {failure->second, "its kek " + kek + " could not be had"};
    }
    return {Errc::kKeysIncomplete, "its blob is damaged, or was made under another kek than " +
                                       kek + " (its HMAC does not hold)"};
  }

  void LoadDimm(const std::string& id, ChosenBlob chosen) {
    if (chosen.spare && !IsGood(*chosen.spare)) chosen.spare.reset();
    if (!IsGood(chosen)) {
      Error why = WhyNotGood(chosen);
      if (!chosen.spare) {
        loaded_.failed.emplace(id, std::move(why));
        return;
      }
      loaded_.notes.push_back(id + ": " + why.message + ", using " + chosen.spare->file.name);
      Candidate spare = std::move(*chosen.spare);
      chosen = {std::move(spare), std::nullopt};
    }
    LoadGood(id, chosen);
  }

  void LoadGood(const std::string& id, const ChosenBlob& chosen) {
    Result<std::vector<Key>> keys =
        LoadDimmKeys(options_.keyring, id, chosen.blob, options_.expire_seconds);
    if (!keys) {
      loaded_.failed.emplace(id, std::move(keys.error()));
      return;
    }
    loaded_.keys.emplace(id, std::move(*keys));
    loaded_.hashes.emplace(id, HashOfBlob(chosen.blob.text));
    if (chosen.spare) loaded_.spares.emplace(id, *chosen.spare);
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
  std::string enrolled_text_;
  std::map<std::string, Key> keks_;           ///< that are in their keyring
  std::map<std::string, Errc> kek_failures_;  ///< of those that could not be had
  std::set<std::string> verified_;            ///< names of blob files
  LoadedKeys loaded_;
};

}  // namespace

Result<Tpm*> TpmConnection::Get() {
  if (!tpm_) tpm_.emplace(Tpm::Connect(device_));
  found_tpm_ = found_tpm_ || *tpm_ || tpm_->error().code != Errc::kNoTpm;
  if (!*tpm_) return Failure(tpm_->error());
  return &**tpm_;
}

Result<LoadedKeys> LoadKeys(const KeyStore& store, TpmConnection& tpm,
                            const LoadKeysOptions& options) {
  return KeyLoader(store, tpm, options).Run();
}

}  // namespace nvunlock
