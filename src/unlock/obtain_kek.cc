// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/obtain_kek.h"

#include "src/keys/clear_kek.h"
#include "src/keys/kek_in_keyring.h"
#include "src/os/file.h"
#include "src/seal/signed_pcrs.h"
#include "src/seal/unseal.h"

namespace nvunlock {
namespace {

/// One run of ObtainKek.
class KekObtainer {
 public:
  KekObtainer(const KekSources& sources, LoadedKeys& loaded)
      : store_(sources.store), tpm_(sources.tpm), options_(sources.options), loaded_(loaded) {}

  Result<Secret> Run(const KekName& name, const std::optional<Key>& present) {
    return present ? CheckPresentKek(*present, name) : ObtainFromStore(name);
  }

 private:
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

  const KeyStore& store_;
  TpmConnection& tpm_;
  const LoadKeysOptions& options_;
  LoadedKeys& loaded_;
};

}  // namespace

Result<Secret> ObtainKek(const KekSources& sources, const KekName& name,
                         const std::optional<Key>& present, LoadedKeys& loaded) {
  return KekObtainer(sources, loaded).Run(name, present);
}

}  // namespace nvunlock
