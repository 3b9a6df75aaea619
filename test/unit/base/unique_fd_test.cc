// SPDX-License-Identifier: Apache-2.0
#include "src/base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace nvunlock {
namespace {

int OpenSomething() {
  return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

bool IsOpen(int fd) {
  return fcntl(fd, F_GETFD) >= 0;
}

TEST(UniqueFdTest, ClosesAtTheEnd) {
  int number = OpenSomething();
  {
    UniqueFd fd(number);
    EXPECT_EQ(fd.get(), number);
    EXPECT_TRUE(fd.valid());
    EXPECT_TRUE(IsOpen(number));
  }
  EXPECT_FALSE(IsOpen(number));
}

TEST(UniqueFdTest, HoldsNothingAtFirstOrAfterAFailedOpen) {
  EXPECT_FALSE(UniqueFd().valid());
  EXPECT_FALSE(UniqueFd(-1).valid());
}

TEST(UniqueFdTest, MovingHandsTheFileOn) {
  int number = OpenSomething();
  UniqueFd from(number);
  {
    UniqueFd to(std::move(from));
    EXPECT_FALSE(from.valid());
    EXPECT_EQ(to.get(), number);
  }
  EXPECT_FALSE(IsOpen(number));
}

TEST(UniqueFdTest, NothingLeaksWhenOneIsAssignedOverAnother) {
  int first = OpenSomething();
  int second = OpenSomething();
  {
    UniqueFd to(first);
    UniqueFd from(second);
    to = std::move(from);
    EXPECT_EQ(to.get(), second);
    EXPECT_TRUE(IsOpen(second));
  }
  EXPECT_FALSE(IsOpen(first));
  EXPECT_FALSE(IsOpen(second));
}

}  // namespace
}  // namespace nvunlock
