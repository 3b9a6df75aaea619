#include "src/procedures/drop_keys.h"

#include <algorithm>

#include "src/model/key_store.h"
#include "src/os/file.h"
#include "src/os/keyring.h"

namespace nvunlock {
namespace {

constexpr unsigned kPatience = 30;

}  // namespace

Result<UniqueFd> HoldKeys(const Environment& environment) {
  TRY(MakeDirectories(environment.run_dir, 0755));
  return TRY_IN("an unlock has not ended", LockDirectoryWithin(environment.run_dir, kPatience));
}

Result<void> DropKeys(const Environment& environment) {
  UniqueFd turn = TRY(HoldKeys(environment));
  std::vector<KekName> keks = TRY(KeyStore(environment.keys_dir).EnrolledKeks());
  return Keyring(environment.keyring)
      .UnlinkMatching([&](const std::string& type, const std::string& description) {
        // As ndctl names those of users' and of master passphrases.
        if (type == "encrypted") return description.starts_with("nvdimm");
        return std::any_of(keks.begin(), keks.end(), [&](const KekName& kek) {
          return type == kek.type && description == kek.description;
        });
      });
}

}  // namespace nvunlock
