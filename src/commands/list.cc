#include <nlohmann/json.hpp>

#include "src/commands/commands.h"
#include "src/commands/dimm_arguments.h"
#include "src/commands/dimm_table.h"
#include "src/commands/options.h"
#include "src/commands/output.h"
#include "src/model/dimm.h"

namespace nvunlock {
namespace {

using Json = nlohmann::ordered_json;

/// The keys and words of `ndctl list -D`.
Json ToJson(const Dimm& dimm) {
  Json json = {{"dev", dimm.nmem}};
  if (!dimm.id.empty()) json["id"] = dimm.id;
  if (!dimm.bound) json["state"] = "disabled";
  if (dimm.security != SecurityState::kUnsupported) json["security"] = ToWord(dimm.security);
  if (dimm.frozen) json["security_frozen"] = true;
  return json;
}

Json ToJson(const std::vector<Dimm>& dimms) {
  Json json = Json::array();
  for (const Dimm& dimm : dimms) json.push_back(ToJson(dimm));
  return json;
}

}  // namespace

int RunList(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  bool as_json = false;
  std::vector<Option> options = EnvironmentOptions(environment);
  DimmFilter filter;
  Append(options, FilterOptions(filter));
  options.push_back({"json", nullptr, "JSON with the keys of 'ndctl list -D'", Set(as_json)});
  Result<void> parsed = ParseOptionsOnly(invocation, options);
  if (!parsed) return Report(parsed.error());

  NdBus bus(environment.sysfs_root);
  std::vector<Dimm> dimms;
  int exit_code = 0;
  for (const std::string& nmem : bus.Nmems()) {
    if (!Passes(bus, nmem, filter)) continue;
    Result<Dimm> dimm = InspectDimm(bus, nmem);
    if (dimm) {
      dimms.push_back(std::move(*dimm));
    } else {
      exit_code = Report(dimm.error());
    }
  }
  as_json ? PrintJson(ToJson(dimms)) : PrintDimmTable(dimms);
  return exit_code;
}

}  // namespace nvunlock
