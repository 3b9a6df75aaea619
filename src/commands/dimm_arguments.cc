#include "src/commands/dimm_arguments.h"

#include <algorithm>

#include "src/base/text.h"

namespace nvunlock {
namespace {

bool IsDimmName(std::string_view name) {
  return name.starts_with("nmem") && ParseUnsigned(name.substr(4)).has_value();
}

bool Holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsOnBus(const NdBus& bus, const std::string& nmem, const std::string& wanted) {
  std::string ndbus = bus.BusOf(nmem);
  return wanted.empty() || wanted == ndbus || bus.ProviderOf(ndbus).value_or("") == wanted;
}

bool IsInRegion(const NdBus& bus, const std::string& nmem, const std::string& region) {
  if (region.empty()) return true;
  return Holds(bus.NmemsOf(region), nmem);
}

}  // namespace

std::vector<Option> FilterOptions(DimmFilter& filter) {
  return {
      {"bus", "BUS", "only DIMMs on this ndbusX or of this provider", Store(filter.bus), 'b'},
      {"region", "REGION", "only DIMMs of this regionX", Store(filter.region), 'r'},
  };
}

bool Passes(const NdBus& bus, const std::string& nmem, const DimmFilter& filter) {
  return IsOnBus(bus, nmem, filter.bus) && IsInRegion(bus, nmem, filter.region);
}

Result<std::vector<std::string>> SelectDimms(const NdBus& bus,
                                             const std::vector<std::string>& arguments,
                                             const DimmFilter& filter) {
  if (arguments.empty()) return Fail(Errc::kUsage, "say which DIMMs: nmemX..., or all");
  bool all = false;
  for (const std::string& argument : arguments) {
    all = all || argument == "all";
    if (argument != "all" && !IsDimmName(argument)) {
      return Fail(Errc::kUsage, "'" + argument + "' is not a valid dimm name");
    }
  }
  std::vector<std::string> selected;
  for (const std::string& nmem : bus.Nmems()) {
    if ((all || Holds(arguments, nmem)) && Passes(bus, nmem, filter)) selected.push_back(nmem);
  }
  bool missing = std::any_of(arguments.begin(), arguments.end(),
                             [&](const std::string& name) { return !Holds(selected, name); });
  if (selected.empty() || (!all && missing)) {
    return Fail("not all of these DIMMs are here; 'nvunlock list' shows those that are");
  }
  return selected;
}

std::string CountNmems(size_t count) {
  return std::to_string(count) + (count > 1 ? " nmems" : " nmem");
}

}  // namespace nvunlock
