// SPDX-License-Identifier: Apache-2.0
#include "src/terminal/dimm_arguments.h"

#include <algorithm>

#include "src/base/text.h"

namespace nvunlock {
namespace {

bool Holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Whether DEVICE, such as region0, is among the words of WANTED: as "region0", "0" or "all".
bool IsNamed(const std::string& wanted, std::string_view kind, std::string_view device) {
  std::vector<std::string_view> words = Split(wanted, ' ');
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    if (word.empty()) return false;
    return word == "all" || word == device || std::string(kind).append(word) == device;
  });
}

std::vector<std::string> RegionsOf(const NdBus& bus, const std::string& wanted) {
  std::vector<std::string> regions = bus.Devices();
  std::erase_if(regions, [&](const std::string& device) {
    return !device.starts_with("region") || !IsNamed(wanted, "region", device);
  });
  return regions;
}

bool IsInRegion(const NdBus& bus, const std::string& nmem, const std::string& wanted) {
  std::vector<std::string> regions = RegionsOf(bus, wanted);
  return std::any_of(regions.begin(), regions.end(),
                     [&](const std::string& region) { return Holds(bus.NmemsOf(region), nmem); });
}

bool HasBus(const NdBus& bus, const std::string& wanted) {
  std::vector<std::string> buses = bus.Ndbuses();
  return std::any_of(buses.begin(), buses.end(),
                     [&](const std::string& ndbus) { return IsBus(bus, ndbus, wanted); });
}

std::string DescribeBuses(const NdBus& bus) {
  std::string text;
  for (const std::string& ndbus : bus.Ndbuses()) {
    text += (text.empty() ? "; there is " : ", ") + ndbus;
    if (Result<std::string> provider = bus.ProviderOf(ndbus)) text += " (" + *provider + ")";
  }
  return text;
}

/// Where the DIMMs that FILTER leaves are.
std::string DescribePlace(const DimmFilter& filter) {
  std::string text;
  if (!filter.bus.empty()) text += " on bus '" + filter.bus + "'";
  if (!filter.region.empty()) text += " in region '" + filter.region + "'";
  return text.empty() ? " here" : text;
}

Result<std::string> ParseDimmName(const std::string& argument) {
  if (argument == "all") return argument;
  std::string name = ParseUnsigned(argument) ? "nmem" + argument : argument;
  if (name.starts_with("nmem") && ParseUnsigned(std::string_view(name).substr(4))) return name;
  return Fail(Errc::kUsage, "'" + argument + "' is not a valid dimm name");
}

Result<std::vector<std::string>> ParseDimmNames(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return Fail(Errc::kUsage, "name the DIMMs: nmemX..., or all");
  std::vector<std::string> names;
  names.reserve(arguments.size());
  for (const std::string& argument : arguments) names.push_back(TRY(ParseDimmName(argument)));
  return names;
}

/// Those of NAMES that are not among SELECTED, with commas; "all" is no such name.
std::string MissingFrom(const std::vector<std::string>& selected,
                        const std::vector<std::string>& names) {
  std::string missing;
  for (const std::string& name : names) {
    if (name == "all" || Holds(selected, name)) continue;
    missing += (missing.empty() ? "" : ", ") + name;
  }
  return missing;
}

}  // namespace

std::vector<Option> FilterOptions(DimmFilter& filter) {
  return {
      {"bus", "BUS", "only DIMMs on this bus: its number, ndbusX, provider, or all",
       StoreName(filter.bus), 'b'},
      {"region", "REGION", "only DIMMs of this region: its number, regionX, or all",
       StoreName(filter.region), 'r'},
  };
}

bool IsBus(const NdBus& bus, const std::string& ndbus, const std::string& wanted) {
  return wanted.empty() || IsNamed(wanted, "ndbus", ndbus) ||
         IsNamed(wanted, "", bus.ProviderOf(ndbus).value_or(""));
}

Result<void> CheckFilter(const NdBus& bus, const DimmFilter& filter) {
  if (!filter.bus.empty() && !HasBus(bus, filter.bus)) {
    return Fail("there is no bus '" + filter.bus + "' here" + DescribeBuses(bus));
  }
  if (!filter.region.empty() && RegionsOf(bus, filter.region).empty()) {
    return Fail("there is no region '" + filter.region + "' here");
  }
  return {};
}

bool Passes(const NdBus& bus, const std::string& nmem, const DimmFilter& filter) {
  return IsBus(bus, bus.BusOf(nmem), filter.bus) &&
         (filter.region.empty() || IsInRegion(bus, nmem, filter.region));
}

Result<std::vector<std::string>> SelectDimms(const NdBus& bus,
                                             const std::vector<std::string>& arguments,
                                             const DimmFilter& filter) {
  std::vector<std::string> names = TRY(ParseDimmNames(arguments));
  TRY(CheckFilter(bus, filter));
  bool all = Holds(names, "all");
  std::vector<std::string> selected;
  for (const std::string& nmem : bus.Nmems()) {
    if ((all || Holds(names, nmem)) && Passes(bus, nmem, filter)) selected.push_back(nmem);
  }
  std::string missing = MissingFrom(selected, names);
  if (!missing.empty() && !all) {
    return Fail("there is no " + missing + DescribePlace(filter) +
                "; 'nvunlock list' shows all DIMMs");
  }
  if (selected.empty()) return Fail("there is no DIMM" + DescribePlace(filter));
  return selected;
}

std::string CountNmems(size_t count) {
  return std::to_string(count) + (count > 1 ? " nmems" : " nmem");
}

}  // namespace nvunlock
