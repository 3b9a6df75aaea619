#ifndef NVUNLOCK_PROCEDURES_GUARD_H_
#define NVUNLOCK_PROCEDURES_GUARD_H_

#include "src/base/result.h"
#include "src/model/environment.h"

namespace nvunlock {

/// Whether the modprobe.d file that keeps nfit and cxl_pmem out is in force.
bool GuardIsClosed(const Environment& environment);

/// Puts the guard out of force until the next boot, with an empty file of the same name in
/// /run/modprobe.d (modprobe.d(5): of equal names, the strongest directory's file is read).
Result<void> OpenGuard(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_PROCEDURES_GUARD_H_
