// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/image/find_images_test.cc, test/cli/check_image.bats, test/cli/unlock.bats.
#ifndef NVUNLOCK_OS_MOUNTS_H_
#define NVUNLOCK_OS_MOUNTS_H_

#include <string>
#include <vector>

#include "src/base/result.h"

namespace nvunlock {

/// The mount points that an fstab(5) names; none when it cannot be read.
std::vector<std::string> MountPointsIn(const std::string& fstab);

/// Whether a file system is mounted at PATH; what is mounted on demand is, by that. Where the
/// kernel does not say (before Linux 5.8), it is taken for mounted.
bool IsMounted(const std::string& path);

/// Mounts /dev/null over the file PATH, which whoever opens it then gets in its place. Once: where
/// it is /dev/null already, nothing is done.
Result<void> CoverWithNull(const std::string& path);

/// Puts all of the file system that the directory PATH is in where a boot loader finds it: they do
/// not replay journals. For that XFS has to be frozen for a moment, which is not done to the root
/// file system.
Result<void> FlushFileSystem(const std::string& path);

}  // namespace nvunlock

#endif  // NVUNLOCK_OS_MOUNTS_H_
