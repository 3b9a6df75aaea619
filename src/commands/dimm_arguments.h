#ifndef NVUNLOCK_COMMANDS_DIMM_ARGUMENTS_H_
#define NVUNLOCK_COMMANDS_DIMM_ARGUMENTS_H_

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/commands/options.h"
#include "src/model/dimm.h"
#include "src/os/nd_bus.h"

namespace nvunlock {

/// Leaves only some of the DIMMs that are named.
struct DimmFilter {
  std::string bus;     ///< name of an ndbus or its provider; empty: any
  std::string region;  ///< name of a region that they are part of; empty: any
};

/// --bus, --region. FILTER must outlive them.
std::vector<Option> FilterOptions(DimmFilter& filter);

/// Whether a DIMM is one of those that FILTER leaves.
bool Passes(const NdBus& bus, const std::string& nmem, const DimmFilter& filter);

/// The DIMMs that ARGUMENTS name ("nmem0" or "all"), as far as they pass FILTER. Fails with kUsage
/// on what is not a DIMM's name and with kFailed when nothing is left.
Result<std::vector<std::string>> SelectDimms(const NdBus& bus,
                                             const std::vector<std::string>& arguments,
                                             const DimmFilter& filter);

/// "3 nmems", as ndctl counts.
std::string CountNmems(size_t count);

}  // namespace nvunlock

#endif  // NVUNLOCK_COMMANDS_DIMM_ARGUMENTS_H_
