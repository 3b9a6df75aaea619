#include "src/procedures/operation_kek.h"

#include "src/os/file.h"

namespace nvunlock {
namespace {

/// As ndctl reads it.
constexpr size_t kClearKekLimit = 4096;

Result<Key> FindKek(const Keyring& keyring, const KekName& name) {
  std::optional<Key> key = TRY(keyring.Find(name.type.c_str(), name.description));
  if (key) return *key;
  return Fail(Errc::kKekMissing, name.ToString() + " is not in the keyring");
}

}  // namespace

Result<Secret> ReadKek(const Keyring& keyring, const KekName& name) {
  Key key = TRY(FindKek(keyring, name));
  return TRY_IN(name.ToString() + " in the keyring", key.Read());
}

Result<void> RequireKek(const Keyring& keyring, const KeyStore& store, const KekName& name) {
  if (name.type != "user") {
    return Fail(name.ToString() + ": trusted keks are not handled yet");
  }
  Secret kek = TRY(ReadKek(keyring, name));
  if (Exists(store.PathOf(name.KeyFileName()))) {
    KeyFile file = TRY(store.ReadKeyFile(name));
    if (TRY(KekCheckValue(kek)) == file.check_value) return {};
  } else if (Exists(store.PathOf(name.ClearFileName()))) {
    if (TRY(ReadSecretFile(store.PathOf(name.ClearFileName()), kClearKekLimit)).Equals(kek)) {
      return {};
    }
  } else {
    return Fail(name.ToString() +
                " is in the keyring only, and gone after "
                "a power cut; 'nvunlock enroll' keeps one");
  }
  return Fail(Errc::kKeysIncomplete,
              name.ToString() + " in the keyring is not the kek of " + store.directory());
}

}  // namespace nvunlock
