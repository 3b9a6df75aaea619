// SPDX-License-Identifier: Apache-2.0
#include "src/os/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>

#include "src/base/text.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

constexpr char kLockFile[] = "/.nvunlock.lock";
constexpr unsigned kTriesPerSecond = 10;
constexpr size_t kPidLimit = 32;

/// False for a file that the one who had the lock has taken away.
bool IsAt(const std::string& path, int fd) {
  struct stat opened = {};
  struct stat present = {};
  return fstat(fd, &opened) == 0 && lstat(path.c_str(), &present) == 0 &&
         opened.st_dev == present.st_dev && opened.st_ino == present.st_ino;
}

/// Where messages find it. Nothing depends on it.
void LeaveProcessId(int fd) {
  if (ftruncate(fd, 0) == 0) dprintf(fd, "%d\n", getpid());
}

/// nullopt while another has it.
Result<std::optional<DirectoryLock>> TryLock(const std::string& path) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  UniqueFd file(open(path.c_str(), kFlags, 0600));
  if (!file.valid() && errno == EROFS) return std::optional(DirectoryLock());
  if (!file.valid()) return FailErrno("lock " + DirectoryOf(path), errno);
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return FailErrno("lock " + path, errno);
    return std::optional<DirectoryLock>();
  }
  if (!IsAt(path, file.get())) return std::optional<DirectoryLock>();
  LeaveProcessId(file.get());
  return std::optional(DirectoryLock(std::move(file), path));
}

Failure StillBusy(const std::string& path, unsigned seconds) {
  std::string text = ReadFile(path, kPidLimit).value_or("");
  std::optional<unsigned> pid = ParseUnsigned(Trim(text));
  return Fail("another nvunlock" + (pid ? " (process " + std::to_string(*pid) + ")" : "") +
              " is still using " + DirectoryOf(path) + " after " + std::to_string(seconds) +
              " seconds; try again when it has ended");
}

}  // namespace

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(path_, other.path_);
  return *this;
}

/// The file goes while the lock on it is held: nobody else can have locked it under that name.
DirectoryLock::~DirectoryLock() {
  if (!path_.empty()) unlink(path_.c_str());
}

Result<DirectoryLock> LockDirectory(const std::string& directory, unsigned seconds) {
  std::string path = directory + kLockFile;
  for (unsigned tries = seconds * kTriesPerSecond;; tries--) {
    std::optional<DirectoryLock> lock = TRY(TryLock(path));
    if (lock) return std::move(*lock);
    if (tries == 0) return StillBusy(path, seconds);
    usleep(1000000 / kTriesPerSecond);
  }
}

}  // namespace nvunlock
