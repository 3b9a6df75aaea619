// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/passphrase/change_passphrase_failures_test.cc.
#ifndef NVUNLOCK_PASSPHRASE_PRECONDITIONS_H_
#define NVUNLOCK_PASSPHRASE_PRECONDITIONS_H_

#include "src/base/result.h"
#include "src/model/dimm.h"

namespace nvunlock {

/// Fails, with cause and remedy, where the security of DIMM cannot be changed now whatever the key:
/// no security, frozen, being overwritten, or in use.
Result<void> CheckMayChange(const NdBus& bus, const Dimm& dimm);

/// Fails, naming the regions, where one is active on NMEM.
Result<void> CheckNotInUse(const NdBus& bus, const std::string& nmem);

}  // namespace nvunlock

#endif  // NVUNLOCK_PASSPHRASE_PRECONDITIONS_H_
