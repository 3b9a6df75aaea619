// SPDX-License-Identifier: Apache-2.0
#include "src/keys/kek_in_keyring.h"

#include "src/keys/clear_kek.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

Result<Key> FindKek(const Keyring& keyring, const KekName& name) {
  std::optional<Key> key = TRY(keyring.Find(name.type.c_str(), name.description));
  if (key) return *key;
  return Fail(Errc::kKekMissing, name.ToString() + " is not in the keyring");
}

/// Where load-keys finds nothing to load.
Failure NotInKeyring(const KeyStore& store, const KekName& name) {
  std::string path = store.PathOf(name.ClearFileName());
  std::string load = "load it with 'keyctl padd user " + name.description + " @u <" + path + "'";
  if (IsOnlyInClear(store, name)) {
    return Fail(Errc::kKekMissing, name.ToString() + " is not in the keyring; " + load);
  }
  return Fail(Errc::kKekMissing,
              name.ToString() + " is neither in the keyring nor in " + store.directory() +
                  "; make one with 'nvunlock enroll" + OptionForKek(name) +
                  "', or without a TPM with 'umask 77; head -c 32 /dev/urandom >" + path +
                  "', and " + load);
}

}  // namespace

Result<Secret> ReadKek(const Keyring& keyring, const KekName& name) {
  Key key = TRY(FindKek(keyring, name));
  return TRY_IN(name.ToString() + " in the keyring", key.Read());
}

Failure AnotherInKeyring(const KekName& name, const std::string& place) {
  std::string kek = name.ToString();
  return Fail(Errc::kKeysIncomplete, kek + " in the keyring is not the kek of " + place +
                                         "; save it ('keyctl pipe %" + kek +
                                         "' to a file), remove it ('keyctl unlink %" + kek +
                                         " @u'), then run 'nvunlock load-keys'");
}

Result<void> RequireKek(const Keyring& keyring, const KeyStore& store, const KekName& name) {
  if (name.type != "user") {
    return Fail(name.ToString() + ": trusted keks are not supported yet");
  }
  bool is_sealed = Exists(store.PathOf(name.KeyFileName()));
  if (!is_sealed && !TRY(keyring.Find("user", name.description))) return NotInKeyring(store, name);
  Secret kek = TRY(ReadKek(keyring, name));
  if (is_sealed) {
    KeyFile file = TRY(store.ReadKeyFile(name));
    if (TRY(KekCheckValue(kek)) == file.check_value) return {};
  } else if (IsOnlyInClear(store, name)) {
    if (TRY(ReadClearKek(store, name)).Equals(kek)) return {};
  } else {
    return Fail(name.ToString() +
                " is only in the keyring, and a power cut would lose it; save it with 'umask 77; "
                "keyctl pipe %" +
                name.ToString() + " >" + store.PathOf(name.ClearFileName()) + "'");
  }
  return AnotherInKeyring(name, store.directory());
}

}  // namespace nvunlock
