// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/preconditions.h"

namespace nvunlock {

Result<void> CheckMayChange(const NdBus& bus, const Dimm& dimm) {
  if (dimm.security == SecurityState::kUnsupported) {
    return Fail(Errc::kUnsupported, "security operation not supported");
  }
  if (dimm.frozen) {
    return Fail(
        "its security is frozen until the next power-on; where nvunlock unlocks at boot, boot with "
        "nvunlock.freeze=no then");
  }
  if (dimm.security == SecurityState::kOverwrite) {
    return Fail("an overwrite is running; 'nvunlock wait-overwrite " + dimm.nmem +
                "' waits for its end");
  }
  return CheckNotInUse(bus, dimm.nmem);
}

Result<void> CheckNotInUse(const NdBus& bus, const std::string& nmem) {
  if (!bus.IsInUse(nmem)) return {};
  std::string command = "ndctl disable-region";
  for (const std::string& region : bus.ActiveRegionsOf(nmem)) command += " " + region;
  return Fail("regions active on " + nmem + ", op failed; '" + command + "' first");
}

}  // namespace nvunlock
