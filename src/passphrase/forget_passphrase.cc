// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/forget_passphrase.h"

namespace nvunlock {

Result<bool> ForgetLostPassphrase(const PassphrasePlace& place, const std::string& nmem) {
  Dimm dimm = TRY(InspectDimm(place.bus, nmem));
  if (dimm.security != SecurityState::kDisabled) return false;
  FoundBlobs found = TRY(FindBlobs(place.store, {place.store.directory(), place.host}));
  TRY(DimmPassphrase(place, dimm, PassphraseRole::kUser, std::nullopt).Forget());
  return found.contains(dimm.id);
}

}  // namespace nvunlock
