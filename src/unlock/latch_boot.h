// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/unlock/this_boot_test.cc, test/cli/latch.bats.
#ifndef NVUNLOCK_UNLOCK_LATCH_BOOT_H_
#define NVUNLOCK_UNLOCK_LATCH_BOOT_H_

#include <vector>

#include "src/base/result.h"
#include "src/model/config.h"
#include "src/model/environment.h"

namespace nvunlock {

/// What `latch` closes.
struct LatchOptions {
  bool emergency = false;     ///< a shell comes next: keys are dropped and the guard holds, too
  bool after_unlock = false;  ///< the same, if the unlock before left no report: it was killed
};

/// Closes the latches of this boot. Returns what was not seen to be closed, dropped or held.
std::vector<Error> LatchBoot(const Environment& environment, const Config& config,
                             const LatchOptions& options);

}  // namespace nvunlock

#endif  // NVUNLOCK_UNLOCK_LATCH_BOOT_H_
