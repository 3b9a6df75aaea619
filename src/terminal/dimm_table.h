// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/list.bats.
#ifndef NVUNLOCK_TERMINAL_DIMM_TABLE_H_
#define NVUNLOCK_TERMINAL_DIMM_TABLE_H_

#include <vector>

#include "src/model/dimm.h"

namespace nvunlock {

/// A line for each DIMM below a line of titles; nothing when there is no DIMM.
void PrintDimmTable(const std::vector<Dimm>& dimms);

}  // namespace nvunlock

#endif  // NVUNLOCK_TERMINAL_DIMM_TABLE_H_
