// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_UNLOCK_HOLD_RESUME_H_
#define NVUNLOCK_UNLOCK_HOLD_RESUME_H_

#include "src/base/result.h"
#include "src/model/environment.h"

namespace nvunlock {

/// In an initramfs: keeps a hibernated system from being resumed in this boot, whatever asks the
/// kernel for it. Its kernel takes the DIMMs for unlocked, and would go on writing to them.
/// Elsewhere it does nothing. Returns whether this is an initramfs.
Result<bool> HoldResume(const Environment& environment);

/// In an initramfs, before anything there has asked for a resume: whether the kernel has found the
/// place of a hibernated system by itself, and so resumes before any initramfs could unlock.
bool KernelResumesByItself(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_UNLOCK_HOLD_RESUME_H_
