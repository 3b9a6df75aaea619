#include "src/procedures/load_keys.h"

#include <algorithm>

#include "src/os/file.h"
#include "src/procedures/blob_key.h"
#include "src/procedures/enrolled_record.h"
#include "src/procedures/kek.h"
#include "src/procedures/signed_pcrs.h"

namespace nvunlock {
namespace {

/// Canonical DIMM id to its blob; all of one kek.
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
    loaded_.failed = std::move(choice.unusable);
    std::move(choice.notes.begin(), choice.notes.end(), std::back_inserter(loaded_.notes));
    for (const auto& [name, blobs] : TRY(GroupByKek(choice.chosen))) {
      LoadUnderKek(TRY(ParseKekName(name)), blobs);
    }
    return std::move(loaded_);
  }

 private:
  Result<std::map<std::string, Blobs>> GroupByKek(
      const std::map<std::string, ChosenBlob>& chosen) const {
    std::map<std::string, Blobs> by_kek;
    for (const auto& [id, choice] : chosen) {
      by_kek[choice.blob.kek.ToString()].emplace(id, choice);
    }
    if (!options_.all_keks) return by_kek;
    for (const KekName& kek : TRY(store_.EnrolledKeks())) by_kek.try_emplace(kek.ToString());
    return by_kek;
  }

  void LoadUnderKek(const KekName& name, Blobs blobs) {
    Result<Key> kek = PlaceKek(name, blobs);
    if (!kek) {
      for (const auto& [id, chosen] : blobs) {
        loaded_.failed.emplace(
            id, Error{kek.error().code, "its kek " + name.ToString() + " could not be had"});
      }
      loaded_.problems.push_back(std::move(kek.error()));
      return;
    }
    loaded_.keks_loaded++;
    for (const auto& [id, chosen] : blobs) LoadDimm(id, chosen);
    if (!options_.keep_kek) DropKek(*kek, blobs);
  }

  /// Puts the kek into its keyring. Blobs that it does not verify are taken out of BLOBS: the kek
  /// is in memory here and nowhere later.
  Result<Key> PlaceKek(const KekName& name, Blobs& blobs) {
    if (name.type != "user") {
      return Fail(name.ToString() + ": this version handles keks of type user only");
    }
    std::optional<Key> present = TRY(options_.keyring.Find("user", name.description));
    Secret kek = present ? TRY(CheckPresentKek(*present, name)) : TRY(ObtainFromStore(name));
    KeepVerified(blobs, kek);
    TRY(CheckEnrolledMac(name, kek));
    return present ? *present : AddKek(name, kek);
  }

  Result<Secret> ObtainFromStore(const KekName& name) {
    if (options_.keyring_only) {
      return Fail(Errc::kKekMissing, name.ToString() + " is not in the keyring");
    }
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
      return Fail(Errc::kKeysIncomplete, name.ToString() + " in the keyring is not the kek of " +
                                             store_.PathOf(name.KeyFileName()));
    }
    return kek;
  }

  void KeepVerified(Blobs& blobs, const Secret& kek) {
    for (auto entry = blobs.begin(); entry != blobs.end();) {
      entry = Verify(entry->first, entry->second, kek) ? std::next(entry) : blobs.erase(entry);
    }
  }

  /// Keeps of CHOSEN what KEK verifies; false when nothing is left.
  bool Verify(const std::string& id, ChosenBlob& chosen, const Secret& kek) {
    if (chosen.spare && !IsOf(*chosen.spare, chosen.blob.kek, kek)) chosen.spare.reset();
    if (VerifyEnc32(chosen.blob, kek)) return true;
    if (chosen.spare) {
      loaded_.notes.push_back(id + ": " + chosen.file.name + " is damaged, using " +
                              chosen.spare->file.name);
      chosen = {std::move(*chosen.spare), std::nullopt};
      return true;
    }
    loaded_.failed.emplace(id, Error{Errc::kKeysIncomplete,
                                     "its blob is damaged, or was made under another kek than " +
                                         chosen.blob.kek.ToString() + " (its HMAC does not hold)"});
    return false;
  }

  static bool IsOf(const Candidate& candidate, const KekName& name, const Secret& kek) {
    return candidate.blob.kek == name && VerifyEnc32(candidate.blob, kek);
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

  /// A spare is loaded only once its DIMM has refused the other, and needs its kek then.
  void DropKek(const Key& kek, const Blobs& blobs) {
    bool has_spare = std::any_of(blobs.begin(), blobs.end(),
                                 [](const auto& entry) { return entry.second.spare.has_value(); });
    if (has_spare) {
      loaded_.held_keks.push_back(kek);
      return;
    }
    Result<void> dropped = kek.Invalidate();
    if (!dropped) loaded_.problems.push_back(std::move(dropped.error()));
  }

  void LoadDimm(const std::string& id, const ChosenBlob& chosen) {
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

  const KeyStore& store_;
  TpmConnection& tpm_;
  const LoadKeysOptions& options_;
  std::string enrolled_text_;
  LoadedKeys loaded_;
};

}  // namespace

Result<Tpm*> TpmConnection::Get() {
  if (!tpm_) tpm_.emplace(Tpm::Connect(device_));
  if (!*tpm_) return Failure(tpm_->error());
  return &**tpm_;
}

Result<LoadedKeys> LoadKeys(const KeyStore& store, TpmConnection& tpm,
                            const LoadKeysOptions& options) {
  return KeyLoader(store, tpm, options).Run();
}

}  // namespace nvunlock
