// SPDX-License-Identifier: Apache-2.0
#include "src/image/find_images.h"

#include <gmock/gmock.h>

#include "src/os/mounts.h"
#include "test/unit/support/results.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class BootImagesTest : public testing::Test {
 protected:
  Result<void> Check(const std::string& fstab) {
    directory_.Write("etc/fstab", fstab);
    return CheckBootIsMounted(environment_);
  }

  TemporaryDirectory directory_;
  Environment environment_ = EnvironmentBelow(directory_.path());
};

TEST_F(BootImagesTest, FstabIsReadAsMountReadsIt) {
  std::string fstab = directory_.Write("fstab",
                                       "# /dev/sda9 /old ext4 defaults 0 2\n"
                                       "UUID=1234 / ext4 defaults 0 1\n"
                                       "LABEL=b\t/with\\040space  ext4 noauto 0 2\n"
                                       "\n"
                                       "/dev/sda2 none swap sw 0 0");
  EXPECT_THAT(MountPointsIn(fstab), ElementsAre("/", "/with space", "none"));
  EXPECT_THAT(MountPointsIn(directory_.PathOf("missing")), IsEmpty());
}

TEST_F(BootImagesTest, WhereSomethingIsMountedTheKernelSays) {
  EXPECT_TRUE(IsMounted("/proc"));
  EXPECT_FALSE(IsMounted("/proc/self"));
  EXPECT_FALSE(IsMounted(directory_.path()));
  EXPECT_FALSE(IsMounted(directory_.PathOf("missing")));
}

TEST_F(BootImagesTest, BootOnTheRootFileSystemNeedsNoMount) {
  EXPECT_THAT(CheckBootIsMounted(environment_), Succeeds());
  EXPECT_THAT(Check("/dev/sda1 / ext4 defaults 0 1\n"), Succeeds());
}

TEST_F(BootImagesTest, OneThatFstabMountsMustBeThere) {
  std::string boot = directory_.PathOf("boot");
  EXPECT_THAT(Check("/dev/sda1 " + boot + " ext4 defaults 0 2\n"), FailsWith(Errc::kFailed));
  EXPECT_THAT(Check("/dev/sda1 " + boot + "/efi vfat noauto 0 2\n"), FailsWith(Errc::kFailed));
  EXPECT_THAT(Check("/dev/sda1 " + boot + "-old ext4 defaults 0 2\n"), Succeeds());
}

TEST_F(BootImagesTest, OneThatIsMountedIsNoObstacle) {
  environment_.boot_dirs = {"/proc"};
  EXPECT_THAT(Check("proc /proc proc defaults 0 0\n"), Succeeds());
}

}  // namespace
}  // namespace nvunlock
