// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "src/base/text.h"
#include "src/commands/commands.h"
#include "src/model/dimm.h"
#include "src/terminal/dimm_arguments.h"
#include "src/terminal/dimm_table.h"
#include "src/terminal/ndctl_json.h"
#include "src/terminal/options.h"
#include "src/terminal/output.h"

namespace nvunlock {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  Environment environment = EnvironmentBelow("");
  DimmFilter filter;
  std::string dimms_wanted;
  bool buses = false;
  bool dimms = false;
  bool idle = false;
  bool health = false;
  bool human = false;
  int verbosity = 0;
  bool json = false;
};

std::vector<Option> OptionsFor(Arguments& arguments) {
  auto raise = [&arguments](std::string_view) -> Result<void> {
    arguments.verbosity++;
    return {};
  };
  std::vector<Option> options = {
      {"dimms", nullptr, "DIMMs, in the JSON of 'ndctl list -D'", Set(arguments.dimms), 'D'},
      {"buses", nullptr, "buses, in the JSON of 'ndctl list -B'", Set(arguments.buses), 'B'},
      {"dimm", "DIMM", "only this nmemX, or X; in ndctl's JSON", StoreName(arguments.dimms_wanted),
       'd'},
  };
  Append(options, FilterOptions(arguments.filter));
  Append(options,
         {{"idle", nullptr, "disabled DIMMs, too", Set(arguments.idle), 'i'},
          {"configured", nullptr, "the same as --idle", Set(arguments.idle), 'c'},
          {"health", nullptr, "accepted, but shows nothing; use 'ndctl list -DH'",
           Set(arguments.health), 'H'},
          {"human", nullptr, "numbers as hexadecimal text", Set(arguments.human), 'u'},
          {"verbose", nullptr, "twice adds --dimms --buses, three times also --idle", raise, 'v'},
          {"json", nullptr, "like -D -i, but [] if there is no DIMM", Set(arguments.json)}});
  Append(options, EnvironmentOptions(arguments.environment));
  return options;
}

bool WantsJson(const Arguments& arguments) {
  return arguments.dimms || arguments.buses || arguments.idle || arguments.health ||
         arguments.human || arguments.verbosity > 0 || arguments.json ||
         !arguments.dimms_wanted.empty() || !arguments.filter.bus.empty();
}

/// What ndctl shows is said by -D and -B, else by what is filtered. Where that are its namespaces,
/// DIMMs are shown here.
void ChooseObjects(Arguments& arguments) {
  if (arguments.json) arguments.dimms = arguments.idle = true;
  if (!arguments.dimms && !arguments.buses) {
    arguments.dimms = !arguments.dimms_wanted.empty();
    arguments.buses = !arguments.filter.bus.empty();
  }
  if (arguments.verbosity >= 2) arguments.dimms = arguments.buses = true;
  if (arguments.verbosity >= 3) arguments.idle = true;
  if (!arguments.buses) arguments.dimms = true;
}

std::vector<std::string> Words(const std::string& text) {
  std::vector<std::string> words;
  for (std::string_view word : Split(text, ' ')) {
    if (!word.empty()) words.emplace_back(word);
  }
  return words;
}

Result<std::vector<std::string>> Select(const NdBus& bus, const Arguments& arguments) {
  if (!arguments.dimms_wanted.empty()) {
    return SelectDimms(bus, Words(arguments.dimms_wanted), arguments.filter);
  }
  TRY(CheckFilter(bus, arguments.filter));
  std::vector<std::string> nmems = bus.Nmems();
  std::erase_if(nmems,
                [&](const std::string& nmem) { return !Passes(bus, nmem, arguments.filter); });
  return nmems;
}

/// What is known of the DIMMs; those that cannot be read are left out, and make the exit code.
std::vector<Dimm> InspectDimms(const NdBus& bus, const std::vector<std::string>& nmems,
                               int& exit_code) {
  std::vector<Dimm> dimms;
  for (const std::string& nmem : nmems) {
    Result<Dimm> dimm = InspectDimm(bus, nmem);
    if (dimm) {
      dimms.push_back(std::move(*dimm));
    } else {
      exit_code = Report(dimm.error());
    }
  }
  return dimms;
}

/// Those of DIMMS that are on NDBUS and shown.
Json DimmsOn(const NdBus& bus, const std::string& ndbus, const std::vector<Dimm>& dimms,
             const Arguments& arguments) {
  Json json = Json::array();
  for (const std::string& nmem : bus.NmemsAsNdctlLists(ndbus)) {
    for (const Dimm& dimm : dimms) {
      if (dimm.nmem != nmem || (!dimm.bound && !arguments.idle)) continue;
      json.push_back(DimmJson(bus, dimm, arguments.human));
    }
  }
  return json;
}

/// "all" is no restriction for ndctl, which then shows buses without DIMMs as well.
bool Restricts(const std::string& wanted) {
  return !wanted.empty() && wanted != "all";
}

bool IsShown(const NdBus& bus, const std::string& ndbus, const std::vector<Dimm>& dimms,
             const Arguments& arguments) {
  if (!IsBus(bus, ndbus, arguments.filter.bus)) return false;
  if (!Restricts(arguments.dimms_wanted) && !Restricts(arguments.filter.region)) return true;
  return std::any_of(dimms.begin(), dimms.end(),
                     [&](const Dimm& dimm) { return dimm.bus == ndbus; });
}

Json ToJson(const NdBus& bus, const std::vector<Dimm>& dimms, const Arguments& arguments) {
  Json entries = Json::array();
  for (const std::string& ndbus : bus.NdbusesAsNdctlLists()) {
    if (!IsShown(bus, ndbus, dimms, arguments)) continue;
    Json on_bus = arguments.dimms ? DimmsOn(bus, ndbus, dimms, arguments) : Json::array();
    if (!arguments.buses) {
      entries.insert(entries.end(), on_bus.begin(), on_bus.end());
      continue;
    }
    Json entry = BusJson(bus, ndbus);
    if (!on_bus.empty()) entry["dimms"] = std::move(on_bus);
    entries.push_back(std::move(entry));
  }
  return entries;
}

/// ndctl prints nothing at all then, which its scripts may count on.
void SayWhyEmpty(const std::vector<Dimm>& dimms) {
  PrintError(dimms.empty() ? "no DIMM found, or its driver is not loaded"
                           : "no DIMM is enabled; --idle also shows disabled ones");
}

void PrintAsNdctl(const NdBus& bus, const std::vector<Dimm>& dimms, const Arguments& arguments) {
  Json entries = ToJson(bus, dimms, arguments);
  if (entries.empty()) SayWhyEmpty(dimms);
  if (!entries.empty() || arguments.json) PrintNdctlJson(entries, arguments.human);
}

}  // namespace

Result<int> RunList(const Invocation& invocation) {
  Arguments arguments;
  TRY(ParseOptionsOnly(invocation, OptionsFor(arguments)));
  NdBus bus(arguments.environment.sysfs_root);
  bus.WaitForProbes();
  int exit_code = 0;
  std::vector<Dimm> dimms = InspectDimms(bus, TRY(Select(bus, arguments)), exit_code);
  if (WantsJson(arguments)) {
    ChooseObjects(arguments);
    PrintAsNdctl(bus, dimms, arguments);
  } else if (dimms.empty() && exit_code == 0) {
    SayWhyEmpty(dimms);
  } else {
    PrintDimmTable(dimms);
  }
  return exit_code;
}

}  // namespace nvunlock
