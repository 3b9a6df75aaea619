// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/freeze.h"

namespace nvunlock {

Result<void> FreezeDimm(const NdBus& bus, const std::string& nmem) {
  if (!bus.HasAttribute(nmem, "security")) {
    return Fail(Errc::kNotFrozen, "security operation not supported");
  }
  Result<void> written = bus.Secure(nmem, "freeze");
  Result<std::string> frozen = bus.Attribute(nmem, "frozen");
  // Even if the answer to the freeze was lost.
  if (frozen && *frozen == "1") return {};
  if (!written) {
    bool has_none = bus.Attribute(nmem, "security").value_or("") == "disabled";
    if (has_none) return Fail("it has no passphrase, so it cannot be frozen");
    return Fail(Errc::kNotFrozen, std::move(written.error().message));
  }
  if (!frozen) return Fail(Errc::kNotFrozen, std::move(frozen.error().message));
  return Fail(Errc::kNotFrozen, "it accepted the freeze, but is not frozen");
}

}  // namespace nvunlock
