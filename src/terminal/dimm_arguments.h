// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TERMINAL_DIMM_ARGUMENTS_H_
#define NVUNLOCK_TERMINAL_DIMM_ARGUMENTS_H_

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/dimm.h"
#include "src/os/nd_bus.h"
#include "src/terminal/options.h"

namespace nvunlock {

/// Leaves only some of the DIMMs that are named. As ndctl has it, each of the two is a number, a
/// name or "all", or several of these with spaces between them; empty: any.
struct DimmFilter {
  std::string bus;     ///< of an ndbus, which its provider names as well
  std::string region;  ///< of a region that they are part of
};

/// --bus, --region. FILTER must outlive them.
std::vector<Option> FilterOptions(DimmFilter& filter);

/// Fails with kFailed, naming it, when FILTER asks for a bus or a region that is not here.
Result<void> CheckFilter(const NdBus& bus, const DimmFilter& filter);

/// Whether WANTED, a bus as of DimmFilter, is or includes NDBUS.
bool IsBus(const NdBus& bus, const std::string& ndbus, const std::string& wanted);

/// Whether a DIMM is one of those that FILTER leaves.
bool Passes(const NdBus& bus, const std::string& nmem, const DimmFilter& filter);

/// The DIMMs that ARGUMENTS name ("nmem0", "0" or "all"), as far as they pass FILTER. Fails with
/// kUsage on what is not a DIMM's name and with kFailed when any is not here, or none at all.
Result<std::vector<std::string>> SelectDimms(const NdBus& bus,
                                             const std::vector<std::string>& arguments,
                                             const DimmFilter& filter);

/// "3 nmems", as ndctl counts.
std::string CountNmems(size_t count);

}  // namespace nvunlock

#endif  // NVUNLOCK_TERMINAL_DIMM_ARGUMENTS_H_
