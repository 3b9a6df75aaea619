#include "src/os/mounts.h"

#include <fcntl.h>
#include <mntent.h>
#include <sys/stat.h>

#include <memory>

namespace nvunlock {

std::vector<std::string> MountPointsIn(const std::string& fstab) {
  std::vector<std::string> points;
  std::unique_ptr<FILE, int (*)(FILE*)> file(setmntent(fstab.c_str(), "re"), endmntent);
  if (!file) return points;
  struct mntent entry;
  char line[4096];
  while (getmntent_r(file.get(), &entry, line, sizeof line) != nullptr) {
    points.emplace_back(entry.mnt_dir);
  }
  return points;
}

bool IsMounted(const std::string& path) {
  struct statx status;
  if (statx(AT_FDCWD, path.c_str(), 0, STATX_TYPE, &status) != 0) return false;
  bool is_told = (status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0;
  return !is_told || (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace nvunlock
