#include "src/procedures/operation_kek.h"

#include "src/os/file.h"

namespace nvunlock {
namespace {

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
  (void)TRY(FindKek(keyring, name));
  if (name.type != "user" || !Exists(store.PathOf(name.KeyFileName()))) return {};
  Secret kek = TRY(ReadKek(keyring, name));
  KeyFile file = TRY(store.ReadKeyFile(name));
  if (TRY(KekCheckValue(kek)) == file.check_value) return {};
  return Fail(Errc::kKeysIncomplete, name.ToString() + " in the keyring is not the kek of " +
                                         store.PathOf(name.KeyFileName()));
}

}  // namespace nvunlock
