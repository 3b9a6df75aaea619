// SPDX-License-Identifier: Apache-2.0
#include "src/model/dimm.h"

#include <utility>

namespace nvunlock {
namespace {

constexpr std::pair<SecurityState, const char*> kWords[] = {
    {SecurityState::kDisabled, "disabled"},       {SecurityState::kUnlocked, "unlocked"},
    {SecurityState::kLocked, "locked"},           {SecurityState::kOverwrite, "overwrite"},
    {SecurityState::kUnsupported, "unsupported"}, {SecurityState::kUnknown, "unknown"},
};

/// nfit/id or cxl/id, whichever provider the DIMM has.
Result<std::string> ReadId(const NdBus& bus, const std::string& nmem) {
  for (const char* name : {"nfit/id", "cxl/id"}) {
    if (bus.HasAttribute(nmem, name)) return bus.Attribute(nmem, name);
  }
  return std::string();
}

}  // namespace

SecurityState ParseSecurityState(std::string_view word) {
  for (const auto& [state, known_word] : kWords) {
    if (word == known_word) return state;
  }
  return SecurityState::kUnknown;
}

const char* ToWord(SecurityState state) {
  for (const auto& [known_state, word] : kWords) {
    if (state == known_state) return word;
  }
  return "unknown";
}

Result<Dimm> InspectDimm(const NdBus& bus, const std::string& nmem) {
  Dimm dimm = {.nmem = nmem, .bus = bus.BusOf(nmem)};
  dimm.id = TRY_IN(nmem, ReadId(bus, nmem));
  dimm.bound = bus.IsBound(nmem);
  if (!bus.HasAttribute(nmem, "security")) return dimm;
  dimm.security = ParseSecurityState(TRY_IN(nmem, bus.Attribute(nmem, "security")));
  if (dimm.id.empty()) return Fail(nmem + " has security but no id");
  if (bus.HasAttribute(nmem, "frozen")) {
    dimm.frozen = TRY_IN(nmem, bus.Attribute(nmem, "frozen")) == "1";
  }
  return dimm;
}

std::optional<std::string> ReasonNotToBind(const Dimm& dimm, BindCircumstances circumstances) {
  switch (dimm.security) {
    case SecurityState::kUnsupported:
    case SecurityState::kDisabled:
      return std::nullopt;
    case SecurityState::kUnlocked:
      if (circumstances.key_loaded || !circumstances.kernel_revalidates) return std::nullopt;
      return "it is unlocked, but libnvdimm was loaded with key_revalidate=Y and would test it "
             "with a missing key";
    case SecurityState::kLocked:
      if (dimm.frozen)
        return "it is locked and frozen; power-cycle the machine before you unlock it";
      if (circumstances.key_loaded) return std::nullopt;
      return "it is locked and there is no key for it";
    case SecurityState::kOverwrite:
      return "an overwrite is running";
    case SecurityState::kUnknown:
      break;
  }
  return "its security state is unknown";
}

}  // namespace nvunlock
