// SPDX-License-Identifier: Apache-2.0
#include "src/os/directory_lock.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "test/unit/support/results.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

class DirectoryLockTest : public testing::Test {
 protected:
  [[nodiscard]] Result<DirectoryLock> Lock(unsigned seconds = 0) const {
    return LockDirectory(directory_.path(), seconds);
  }

  TemporaryDirectory directory_;
};

TEST_F(DirectoryLockTest, KeepsOthersOutUntilItIsReleased) {
  {
    DirectoryLock lock = Must(Lock());
    EXPECT_THAT(Lock(), FailsWith(Errc::kFailed, "still using " + directory_.path()));
  }
  EXPECT_THAT(Lock(), Succeeds());
}

TEST_F(DirectoryLockTest, NamesTheProcessThatHasIt) {
  DirectoryLock lock = Must(Lock());
  EXPECT_THAT(Lock(), FailsWith(Errc::kFailed, "process " + std::to_string(getpid())));
}

TEST_F(DirectoryLockTest, WaitsItsTurnAndNoLonger) {
  DirectoryLock first = Must(Lock());
  std::atomic<bool> released = false;
  std::thread second([&] {
    DirectoryLock lock = Must(Lock(10));
    EXPECT_TRUE(released);
  });
  EXPECT_THAT(Lock(1), FailsWith(Errc::kFailed, "after 1 seconds"));
  released = true;
  first = DirectoryLock();
  second.join();
}

/// Every user can open the directory, and lock what was opened.
TEST_F(DirectoryLockTest, WhoMayOnlyLookCannotHoldIt) {
  UniqueFd other(open(directory_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(flock(other.get(), LOCK_EX), 0);
  DirectoryLock lock = Must(Lock());
  struct stat status = {};
  ASSERT_EQ(stat(directory_.PathOf(".nvunlock.lock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
}

TEST_F(DirectoryLockTest, LeavesNothingBehind) {
  (void)Must(Lock());
  EXPECT_EQ(directory_.CountIn("."), 0U);
}

TEST_F(DirectoryLockTest, TheFileOfAKilledProcessIsNoLock) {
  directory_.Write(".nvunlock.lock", "1234567890 killed\n");
  DirectoryLock lock = Must(Lock());
  EXPECT_EQ(directory_.Read(".nvunlock.lock"), std::to_string(getpid()) + "\n");
}

/// One that has opened the file of a lock that is released meanwhile, while a third takes the next.
TEST_F(DirectoryLockTest, ThereAreNeverTwo) {
  std::atomic<int> holders = 0;
  auto work = [&] {
    for (int i = 0; i < 400; i++) {
      Result<DirectoryLock> lock = Lock();
      if (!lock) continue;
      EXPECT_EQ(++holders, 1);
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      --holders;
    }
  };
  std::thread others[] = {std::thread(work), std::thread(work), std::thread(work)};
  for (std::thread& other : others) other.join();
}

TEST_F(DirectoryLockTest, FailsWithoutADirectory) {
  EXPECT_THAT(LockDirectory(directory_.PathOf("missing")), FailsWith(Errc::kFailed, "missing"));
}

}  // namespace
}  // namespace nvunlock
