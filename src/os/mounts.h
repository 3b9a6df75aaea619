#ifndef NVUNLOCK_OS_MOUNTS_H_
#define NVUNLOCK_OS_MOUNTS_H_

#include <string>
#include <vector>

namespace nvunlock {

/// The mount points that an fstab(5) names; none when it cannot be read.
std::vector<std::string> MountPointsIn(const std::string& fstab);

/// Whether a file system is mounted at PATH; what is mounted on demand is, by that. Where the
/// kernel does not say (before Linux 5.8), it is taken for mounted.
bool IsMounted(const std::string& path);

}  // namespace nvunlock

#endif  // NVUNLOCK_OS_MOUNTS_H_
