// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_OS_DIRECTORY_LOCK_H_
#define NVUNLOCK_OS_DIRECTORY_LOCK_H_

#include <string>
#include <utility>

#include "src/base/result.h"
#include "src/base/unique_fd.h"

namespace nvunlock {

/// One's turn to change the files of a directory, until it is destroyed or assigned to.
class DirectoryLock {
 public:
  DirectoryLock() = default;
  DirectoryLock(UniqueFd file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}
  DirectoryLock(DirectoryLock&& other) noexcept
      : file_(std::move(other.file_)), path_(std::exchange(other.path_, "")) {}
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;
  ~DirectoryLock();

 private:
  UniqueFd file_;
  std::string path_;  ///< empty: nothing is locked
};

/// Longer than any step that is not waiting for a person or for another program.
inline constexpr unsigned kLockSeconds = 30;

/// Waits for one's turn with the files of DIRECTORY, at most SECONDS; then it fails, and names the
/// process that has it. Only who may write to the directory can have it: the lock is on a file in
/// it that nobody else can open, and that goes with the lock. So it is the same one for whoever
/// sees the directory, whatever its path and /run are there. On a read-only file system there is
/// nothing to wait for.
Result<DirectoryLock> LockDirectory(const std::string& directory, unsigned seconds = kLockSeconds);

}  // namespace nvunlock

#endif  // NVUNLOCK_OS_DIRECTORY_LOCK_H_
