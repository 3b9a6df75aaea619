// SPDX-License-Identifier: Apache-2.0
#include "src/seal/held_update_key.h"

#include "src/os/keyring.h"

namespace nvunlock {
namespace {

constexpr std::string_view kPrefix = "nvunlock-update:";

std::string NameFor(const KekName& kek) {
  return std::string(kPrefix) + kek.description;
}

}  // namespace

Result<void> HoldUpdateKey(const Environment& environment, const KeyFile& file, const Secret& kek) {
  Secret key = TRY(DecryptUpdateKey(file, kek));
  (void)TRY(Keyring(environment.keyring).AddUser(NameFor(file.kek), key.bytes()));
  return {};
}

Result<std::optional<UpdateKey>> FindHeldUpdateKey(const Environment& environment,
                                                   const KekName& kek) {
  std::optional<Key> key = TRY(Keyring(environment.keyring).Find("user", NameFor(kek)));
  if (!key) return std::optional<UpdateKey>();
  Secret exported = TRY(key->Read());
  return std::optional(TRY(UpdateKey::Import(exported)));
}

Result<void> DropUpdateKeys(const Environment& environment) {
  return Keyring(environment.keyring)
      .UnlinkMatching([](const std::string& type, const std::string& description) {
        return type == "user" && description.starts_with(kPrefix);
      });
}

}  // namespace nvunlock
