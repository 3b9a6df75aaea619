// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/hold_resume.h"

#include <gmock/gmock.h>

#include "test/unit/support/results.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

class HoldResumeTest : public testing::Test {
 protected:
  void BeInInitramfs() { directory_.Write("etc/nvunlock/image", "enrolled=yes\n"); }
  void KernelHasFound(const std::string& device) {
    directory_.Write("sys/power/resume", device + "\n");
  }

  TemporaryDirectory directory_;
  Environment environment_ = EnvironmentBelow(directory_.path());
};

TEST_F(HoldResumeTest, HoldsNothingInABootedSystem) {
  KernelHasFound("8:2");
  EXPECT_THAT(HoldResume(environment_), Yields(false));
  EXPECT_EQ(directory_.Read("sys/power/resume"), "8:2\n");
}

TEST_F(HoldResumeTest, AKernelThatCannotResumeHasNothingToHold) {
  BeInInitramfs();
  EXPECT_THAT(HoldResume(environment_), Yields(true));
}

TEST_F(HoldResumeTest, TellsWhetherTheKernelHasFoundThePlaceByItself) {
  KernelHasFound("8:2");
  EXPECT_FALSE(KernelResumesByItself(environment_));  // an initramfs may have told it
  BeInInitramfs();
  EXPECT_TRUE(KernelResumesByItself(environment_));
  KernelHasFound("0:0");
  EXPECT_FALSE(KernelResumesByItself(environment_));
}

TEST_F(HoldResumeTest, AKernelWithoutHibernationDoesNotResume) {
  BeInInitramfs();
  EXPECT_FALSE(KernelResumesByItself(environment_));
}

}  // namespace
}  // namespace nvunlock
