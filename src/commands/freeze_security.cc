#include "src/commands/commands.h"
#include "src/commands/dimm_arguments.h"
#include "src/commands/options.h"
#include "src/commands/output.h"
#include "src/procedures/freeze.h"

namespace nvunlock {
namespace {

int FreezeAll(const NdBus& bus, const std::vector<std::string>& nmems, bool verbose) {
  size_t frozen = 0;
  int exit_code = 0;
  for (const std::string& nmem : nmems) {
    Result<void> result = FreezeDimm(bus, nmem);
    if (result) {
      frozen++;
      if (verbose) PrintError(nmem + ": frozen");
    } else {
      PrintError(result.error().message);
      exit_code = ExitCode(result.error().code);
    }
  }
  PrintError("security froze " + CountNmems(frozen) + ".");
  return exit_code;
}

}  // namespace

int RunFreezeSecurity(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  std::string bus_filter;
  bool verbose = false;
  std::vector<Option> options = EnvironmentOptions(environment);
  options.push_back(
      {"bus", "BUS", "only DIMMs on this ndbusX or of this provider", Store(bus_filter), 'b'});
  options.push_back({"verbose", nullptr, "say what is done", Set(verbose), 'v'});
  Result<std::vector<std::string>> arguments = ParseOptions(invocation, options);
  if (!arguments) return Report(arguments.error());
  NdBus bus(environment.sysfs_root);
  Result<std::vector<std::string>> nmems = SelectDimms(bus, *arguments, bus_filter);
  if (!nmems) return Report(nmems.error());
  return FreezeAll(bus, *nmems, verbose);
}

}  // namespace nvunlock
