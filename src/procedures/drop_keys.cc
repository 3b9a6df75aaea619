#include "src/procedures/drop_keys.h"

#include <algorithm>

#include "src/model/key_store.h"
#include "src/os/keyring.h"

namespace nvunlock {

Result<void> DropKeys(const Environment& environment) {
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
