// SPDX-License-Identifier: Apache-2.0
#include "src/os/mounts.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <mntent.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>

#include "src/base/unique_fd.h"

namespace nvunlock {
namespace {

bool IsOnRoot(int fd) {
  struct stat status;
  struct stat root;
  return fstat(fd, &status) != 0 || stat("/", &root) != 0 || status.st_dev == root.st_dev;
}

bool IsXfs(int fd) {
  struct statfs status;
  return fstatfs(fd, &status) == 0 && status.f_type == XFS_SUPER_MAGIC;
}

/// Returns an error number, or 0.
int FreezeAndThaw(int fd) {
  if (ioctl(fd, FIFREEZE, 0) != 0) return errno;
  return ioctl(fd, FITHAW, 0) != 0 ? errno : 0;
}

/// FreezeAndThaw by a process of its own, which finishes what it has begun when ours is killed.
/// When that one is killed, we thaw: one killed process never leaves the file system frozen.
Result<void> FreezeForAMoment(int fd, const std::string& path) {
  pid_t pid = fork();
  if (pid < 0) return FailErrno("freeze " + path, errno);
  if (pid == 0) {
    setsid();
    for (int ending : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) signal(ending, SIG_IGN);
    _exit(FreezeAndThaw(fd));
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return FailErrno("freeze " + path, errno);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (WIFEXITED(status)) return FailErrno("freeze and thaw " + path, WEXITSTATUS(status));
  (void)ioctl(fd, FITHAW, 0);
  return Fail("freeze " + path + ": ended by signal " + std::to_string(WTERMSIG(status)));
}

}  // namespace

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

Result<void> CoverWithNull(const std::string& path) {
  struct stat status;
  struct stat null;
  bool is_null = stat(path.c_str(), &status) == 0 && stat("/dev/null", &null) == 0 &&
                 S_ISCHR(status.st_mode) && status.st_rdev == null.st_rdev;
  if (is_null || mount("/dev/null", path.c_str(), nullptr, MS_BIND, nullptr) == 0) return {};
  return FailErrno("cover " + path, errno);
}

Result<void> FlushFileSystem(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return FailErrno(path, errno);
  if (syncfs(fd.get()) != 0) return FailErrno("sync " + path, errno);
  if (!IsXfs(fd.get()) || IsOnRoot(fd.get())) return {};
  return FreezeForAMoment(fd.get(), path);
}

}  // namespace nvunlock
