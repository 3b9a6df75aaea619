#include "src/procedures/may_change.h"

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
    return Fail("an overwrite is running; 'nvunlock wait-overwrite' waits for its end");
  }
  if (bus.IsInUse(dimm.nmem)) {
    return Fail("regions active on " + dimm.nmem + ", op failed; 'ndctl disable-region' first");
  }
  return {};
}

}  // namespace nvunlock
