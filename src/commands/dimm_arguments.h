#ifndef NVUNLOCK_COMMANDS_DIMM_ARGUMENTS_H_
#define NVUNLOCK_COMMANDS_DIMM_ARGUMENTS_H_

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/dimm.h"
#include "src/os/nd_bus.h"

namespace nvunlock {

/// The DIMMs that ARGUMENTS name ("nmem0" or "all"), as far as they are on BUS_FILTER: the name of
/// an ndbus or its provider, empty for any. Fails with kUsage on what is not a DIMM's name and
/// with kFailed when nothing is left.
Result<std::vector<std::string>> SelectDimms(const NdBus& bus,
                                             const std::vector<std::string>& arguments,
                                             const std::string& bus_filter);

/// "3 nmems", as ndctl counts.
std::string CountNmems(size_t count);

}  // namespace nvunlock

#endif  // NVUNLOCK_COMMANDS_DIMM_ARGUMENTS_H_
