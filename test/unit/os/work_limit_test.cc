// SPDX-License-Identifier: Apache-2.0
#include "src/os/work_limit.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace nvunlock {
namespace {

/// The wait status of a process that does WORK and then exits with 7.
int StatusAfter(const std::function<void()>& work) {
  pid_t pid = fork();
  if (pid == 0) {
    work();
    _exit(7);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return status;
}

/// sleep(3) is ended by signals that are handled.
void Work(unsigned seconds) {
  while (seconds != 0) seconds = sleep(seconds);
}

TEST(WorkLimit, EndsAProcessThatTakesLonger) {
  int status = StatusAfter([] {
    LimitWork(1);
    Work(5);
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

TEST(WorkLimit, DoesNotCountPausesButGoesOnAfterThem) {
  int paused = StatusAfter([] {
    LimitWork(1);
    WorkPause pause;
    Work(2);
  });
  EXPECT_EQ(WEXITSTATUS(paused), 7);
  int afterwards = StatusAfter([] {
    LimitWork(1);
    { WorkPause pause; }
    Work(5);
  });
  EXPECT_EQ(WEXITSTATUS(afterwards), 1);
}

TEST(WorkLimit, APauseWithoutALimitSetsNone) {
  int status = StatusAfter([] {
    { WorkPause pause; }
    Work(2);
  });
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(WorkLimit, ALaterLimitCounts) {
  int status = StatusAfter([] {
    LimitWork(1);
    LimitWork(0);
    Work(2);
  });
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

}  // namespace
}  // namespace nvunlock
