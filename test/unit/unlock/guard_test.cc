// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/guard.h"

#include <gmock/gmock.h>

#include "test/unit/support/results.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kGuard[] =
    "# kept out until nvunlock loads them\n"
    "blacklist nfit\n"
    "install nfit /bin/false\n";

class GuardTest : public testing::Test {
 protected:
  void InstallIn(const std::string& directory) const {
    directory_.Write(directory + "/modprobe.d/00-nvunlock.conf", kGuard);
  }

  TemporaryDirectory directory_;
  Environment environment_ = EnvironmentBelow(directory_.path());
};

TEST_F(GuardTest, IsNotInForceWhereItIsNotInstalled) {
  EXPECT_FALSE(GuardHolds(environment_));
  directory_.Write("usr/lib/modprobe.d/other.conf", kGuard);
  EXPECT_FALSE(GuardHolds(environment_));
}

TEST_F(GuardTest, IsInForceWhereverItIsInstalled) {
  for (const char* place : {"etc", "usr/local/lib", "usr/lib", "lib"}) {
    TemporaryDirectory world;
    world.Write(std::string(place) + "/modprobe.d/00-nvunlock.conf", kGuard);
    EXPECT_TRUE(GuardHolds(EnvironmentBelow(world.path()))) << place;
  }
}

TEST_F(GuardTest, StaysOutOfForceOnceItIsLifted) {
  InstallIn("usr/lib");
  ASSERT_THAT(LiftGuard(environment_), Succeeds());
  EXPECT_FALSE(GuardHolds(environment_));
  EXPECT_TRUE(directory_.Holds("run/modprobe.d/00-nvunlock.conf"));
  EXPECT_EQ(directory_.Read("usr/lib/modprobe.d/00-nvunlock.conf"), kGuard);
}

TEST_F(GuardTest, LiftingTwiceIsFine) {
  InstallIn("lib");
  ASSERT_THAT(LiftGuard(environment_), Succeeds());
  EXPECT_THAT(LiftGuard(environment_), Succeeds());
  EXPECT_FALSE(GuardHolds(environment_));
}

TEST_F(GuardTest, AStrongerFileOfTheSameNameCounts) {
  InstallIn("usr/lib");
  directory_.Write("etc/modprobe.d/00-nvunlock.conf", "# an admin wants it open\n");
  EXPECT_FALSE(GuardHolds(environment_));
}

/// modprobe takes a link to /dev/null, as systemd's tools mask files, for an empty one.
TEST_F(GuardTest, AMaskedGuardIsOpen) {
  InstallIn("usr/lib");
  directory_.Link("etc/modprobe.d/00-nvunlock.conf", "/dev/null");
  EXPECT_FALSE(GuardHolds(environment_));
}

TEST_F(GuardTest, OpeningDoesNotClaimWhatItCannotDo) {
  InstallIn("etc");  // stronger than /run
  Result<void> opened = LiftGuard(environment_);
  EXPECT_EQ(opened.has_value(), !GuardHolds(environment_));
}

TEST_F(GuardTest, HoldsInARootThatHasNone) {
  ASSERT_THAT(HoldGuard(environment_), Succeeds());
  EXPECT_TRUE(GuardHolds(environment_));
}

TEST_F(GuardTest, HoldsAlsoOnceItWasOpened) {
  InstallIn("usr/lib");
  ASSERT_THAT(LiftGuard(environment_), Succeeds());
  ASSERT_THAT(HoldGuard(environment_), Succeeds());
  EXPECT_TRUE(GuardHolds(environment_));
}

TEST_F(GuardTest, OnlyAnImagesGuardHasAliases) {
  ASSERT_THAT(HoldGuard(environment_), Succeeds());
  EXPECT_EQ(directory_.Read("run/modprobe.d/00-nvunlock.conf"), GuardText());
  EXPECT_THAT(GuardText(), Not(HasSubstr("alias")));
  EXPECT_THAT(ImageGuardText(), HasSubstr("\nalias nfit nvunlock_guard\n"));
}

TEST_F(GuardTest, AFailureToOpenIsAnError) {
  InstallIn("usr/lib");
  directory_.Write("run", "a file is in the way");
  EXPECT_THAT(LiftGuard(environment_), FailsWith(Errc::kFailed));
}

}  // namespace
}  // namespace nvunlock
