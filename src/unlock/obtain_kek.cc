// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/obtain_kek.h"

#include <algorithm>

#include "src/keys/clear_kek.h"
#include "src/keys/kek_in_keyring.h"
#include "src/os/file.h"
#include "src/seal/signed_pcrs.h"
#include "src/seal/unseal.h"

namespace nvunlock {
namespace {

/// What nobody has sealed opens nothing at boot.
Result<Secret> ObtainInClear(const KekSources& from, const KekName& name, LoadedKeys& loaded) {
  TRY(CheckNoTrustedKek(from.store, name));
  std::string words = from.store.PathOf(name.ClearFileName()) + " holds " + name.ToString() +
                      " in clear; if there is a TPM, seal it with 'nvunlock enroll --import" +
                      OptionForKek(name) + "'";
  if (!from.options.clear_keks) return Fail(Errc::kBadKeyFile, std::move(words));
  loaded.notes.push_back(std::move(words));
  return ReadClearKek(from.store, name);
}

/// An approval for some boots ends with the first of them.
bool IsApproved(const AssertedBranch& by) {
  return std::none_of(by.approval.branches.begin(), by.approval.branches.end(),
                      [](const Branch& branch) { return branch.boots.has_value(); });
}

Result<OpenedKek> UnsealFrom(const KeyFile& file, const KekSources& from, LoadedKeys& loaded) {
  if (from.options.recovery_only) return Fail(file.kek.ToString() + ": the TPM is not asked");
  if (file.slots.empty()) return Fail(Errc::kBadKeyFile, file.kek.ToString() + ": no TPM slot");
  Tpm* tpm = TRY_IN(file.kek.ToString(), from.tpm.Get());
  PcrSignatures signatures =
      ReadPcrSignatures(from.options.signature_files, file.signers, loaded.notes);
  return UnsealKek(*tpm, file, signatures, from.options.ask_pin);
}

Result<Secret> Recover(const KeyFile& file, const Error& why, const LoadKeysOptions& options,
                       LoadedKeys& loaded) {
  constexpr int kTries = 3;
  Error reason = why;
  for (int i = 0; i < kTries; i++) {
    Result<Secret> typed = options.ask_recovery(file.kek, reason);
    if (!typed) {
      loaded.notes.push_back("no recovery: " + typed.error().message);
      return Failure(why);
    }
    Result<Secret> kek = OpenRecovery(file, *typed);
    if (kek) {
      loaded.recovered.push_back(file.kek);
      if (options.on_opened) options.on_opened(file, *kek, /*approved=*/false);
      return kek;
    }
    reason = std::move(kek.error());
  }
  return Failure(std::move(reason).Within(file.kek.ToString()));
}

Result<Secret> ObtainFromStore(const KekSources& from, const KekName& name, LoadedKeys& loaded) {
  const LoadKeysOptions& options = from.options;
  if (options.keyring_only) {
    return Fail(Errc::kKekMissing, name.ToString() + " is not in the keyring");
  }
  if (IsOnlyInClear(from.store, name)) return ObtainInClear(from, name, loaded);
  KeyFile file = TRY(from.store.ReadKeyFile(name));
  for (const Error& problem : file.problems) {
    loaded.notes.push_back(from.store.PathOf(name.KeyFileName()) + ": " + problem.message);
  }
  Result<OpenedKek> opened = UnsealFrom(file, from, loaded);
  if (opened) {
    if (options.on_opened) options.on_opened(file, opened->kek, IsApproved(opened->by));
    return std::move(opened->kek);
  }
  bool ask =
      options.ask_recovery && !file.recovery.empty() && opened.error().code != Errc::kLatchClosed;
  return ask ? Recover(file, opened.error(), options, loaded) : Failure(std::move(opened.error()));
}

Result<Secret> CheckPresentKek(const Key& key, const KekName& name, const KeyStore& store) {
  Secret kek = TRY_IN(name.ToString() + " in the keyring", key.Read());
  if (!Exists(store.PathOf(name.KeyFileName()))) return kek;
  KeyFile file = TRY(store.ReadKeyFile(name));
  if (TRY(KekCheckValue(kek)) != file.check_value) {
    return AnotherInKeyring(name, store.PathOf(name.KeyFileName()));
  }
  return kek;
}

}  // namespace

Result<Secret> ObtainKek(const KekSources& sources, const KekName& name,
                         const std::optional<Key>& present, LoadedKeys& loaded) {
  return present ? CheckPresentKek(*present, name, sources.store)
                 : ObtainFromStore(sources, name, loaded);
}

}  // namespace nvunlock
