// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_UNLOCK_GUARD_H_
#define NVUNLOCK_UNLOCK_GUARD_H_

#include <string>

#include "src/base/result.h"
#include "src/model/environment.h"

namespace nvunlock {

/// The guard's name in each modprobe.d directory.
inline constexpr char kGuardFile[] = "/00-nvunlock.conf";

/// A second part of it, in images only. There the guard also holds where somebody has a softdep on
/// a guarded module, which makes its "install" line void; in a running system the line for that
/// would keep tools that build images from finding the module. Its name tells guarded images from
/// those in which the guard was emptied.
inline constexpr char kImageGuardFile[] = "/00-nvunlock-image.conf";

std::string GuardText();
std::string ImageGuardText();

/// Whether the modprobe.d file that keeps nfit and cxl_pmem out is in force.
bool GuardHolds(const Environment& environment);

/// Puts the guard out of force until the next boot, with an empty file of the same name in
/// /run/modprobe.d (modprobe.d(5): of equal names, the strongest directory's file is read).
Result<void> LiftGuard(const Environment& environment);

/// Keeps the guard in force until the next boot, also in a root file system that has none.
Result<void> HoldGuard(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_UNLOCK_GUARD_H_
