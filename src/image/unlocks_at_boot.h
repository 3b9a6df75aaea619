// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/operation_keks.bats.
#ifndef NVUNLOCK_IMAGE_UNLOCKS_AT_BOOT_H_
#define NVUNLOCK_IMAGE_UNLOCKS_AT_BOOT_H_

#include "src/model/environment.h"

namespace nvunlock {

/// False on a machine that was never enrolled: there is no key file, and no image in the boot
/// directories that is meant to unlock. True where that cannot be seen, but for images that are
/// none of ours to read.
bool UnlocksAtBoot(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_IMAGE_UNLOCKS_AT_BOOT_H_
