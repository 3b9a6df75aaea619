// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_UNLOCK_FREEZE_H_
#define NVUNLOCK_UNLOCK_FREEZE_H_

#include <string>

#include "src/base/result.h"
#include "src/os/nd_bus.h"

namespace nvunlock {

/// Freezes the security of one DIMM until it is next powered on, and sees that it is frozen.
/// Frozen already is a success. Fails with kNotFrozen.
Result<void> FreezeDimm(const NdBus& bus, const std::string& nmem);

}  // namespace nvunlock

#endif  // NVUNLOCK_UNLOCK_FREEZE_H_
