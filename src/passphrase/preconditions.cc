// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/preconditions.h"

namespace nvunlock {

Result<void> CheckMayChange(const NdBus& bus, const Dimm& dimm) {
  if (dimm.security == SecurityState::kUnsupported) {
    return Fail(Errc::kUnsupported, "security operation not supported");
  }
  if (dimm.frozen) {
    return Fail(
        "its security is frozen until the next power-on; boot with nvunlock.freeze=no then, if "
        "nvunlock unlocks at boot");
  }
  if (dimm.security == SecurityState::kOverwrite) {
    return Fail("an overwrite is running; wait for its end with 'nvunlock wait-overwrite " +
                dimm.nmem + "'");
  }
  return CheckNotInUse(bus, dimm.nmem);
}

Result<void> CheckNotInUse(const NdBus& bus, const std::string& nmem) {
  if (!bus.IsInUse(nmem)) return {};
  std::string command = "ndctl disable-region";
  for (const std::string& region : bus.ActiveRegionsOf(nmem)) command += " " + region;
  return Fail("regions are active on " + nmem + "; run '" + command + "' first");
}

}  // namespace nvunlock
