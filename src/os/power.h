// SPDX-License-Identifier: Apache-2.0
// Tested by test/qemu/unlock.bats.
#ifndef NVUNLOCK_OS_POWER_H_
#define NVUNLOCK_OS_POWER_H_

namespace nvunlock {

/// Leaves people SECONDS to read the console, then writes caches out and switches the machine off.
/// Returns only when the kernel refuses.
void PowerOffAfter(unsigned seconds);

}  // namespace nvunlock

#endif  // NVUNLOCK_OS_POWER_H_
