#include "src/procedures/freeze.h"

namespace nvunlock {

Result<void> FreezeDimm(const NdBus& bus, const std::string& nmem) {
  if (!bus.HasAttribute(nmem, "security")) {
    return Fail(Errc::kNotFrozen, nmem + ": security operation not supported");
  }
  Result<void> written = bus.SetAttribute(nmem, "security", "freeze");
  if (!written) return Fail(Errc::kNotFrozen, std::move(written.error().message));
  Result<std::string> frozen = bus.Attribute(nmem, "frozen");
  if (!frozen) return Fail(Errc::kNotFrozen, std::move(frozen.error().message));
  if (*frozen != "1")
    return Fail(Errc::kNotFrozen, nmem + ": it took the freeze but is not frozen");
  return {};
}

}  // namespace nvunlock
