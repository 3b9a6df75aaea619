// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/drop_keys.h"

#include <algorithm>

#include "src/model/key_store.h"
#include "src/os/file.h"
#include "src/os/keyring.h"
#include "src/seal/held_update_key.h"

namespace nvunlock {
namespace {

Result<void> DropKeks(const Environment& environment) {
  std::vector<KekName> keks = TRY(KeyStore(environment.keys_dir).EnrolledKeks());
  return Keyring(environment.keyring)
      .UnlinkMatching([&](const std::string& type, const std::string& description) {
        return std::any_of(keks.begin(), keks.end(), [&](const KekName& kek) {
          return type == kek.type && description == kek.description;
        });
      });
}

Result<void> DropDimmKeys(const Environment& environment) {
  DirectoryLock turn = TRY_IN("DIMM keys stay loaded", HoldKeys(environment));
  return Keyring(environment.keyring)
      .UnlinkMatching([](const std::string& type, const std::string& description) {
        // As ndctl names those of users' and of master passphrases.
        return type == "encrypted" && description.starts_with("nvdimm");
      });
}

}  // namespace

Result<DirectoryLock> HoldKeys(const Environment& environment) {
  TRY(MakeDirectories(environment.run_dir, 0755));
  return LockDirectory(environment.run_dir);
}

Result<void> DropKeys(const Environment& environment) {
  Result<void> update_keys = DropUpdateKeys(environment);
  Result<void> keks = DropKeks(environment);
  Result<void> dimm_keys = DropDimmKeys(environment);
  if (!update_keys) return update_keys;
  return keks ? dimm_keys : keks;
}

}  // namespace nvunlock
