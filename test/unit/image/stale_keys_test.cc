// SPDX-License-Identifier: Apache-2.0
#include "src/image/stale_keys.h"

#include "test/unit/support/image_test.h"

namespace nvunlock {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class OldKeysTest : public ImageTest {
 protected:
  [[nodiscard]] std::vector<std::string> Find() const { return FindOldKeys(environment_); }
};

TEST_F(OldKeysTest, AnImageThatHoldsWhatTheKeysDirectoryHoldsIsNotNamed) {
  Install("initrd.img", image_.Archive());
  EXPECT_THAT(Find(), IsEmpty());
}

TEST_F(OldKeysTest, OneThatHoldsABlobThatHasChangedIsNamedWithIt) {
  std::string path = Install("initrd.img", image_.Archive());
  AddBlob(kDimmId, kek_);
  EXPECT_THAT(Find(),
              ElementsAre(AllOf(HasSubstr(path + " still holds old keys"), HasSubstr(kBlobName))));
}

TEST_F(OldKeysTest, OneThatHoldsAKeyFileThatIsPutAsideIsNamedWithIt) {
  Install("initrd.img", image_.Archive());
  std::filesystem::rename(KeysPathOf("nvdimm-master.pem"), KeysPathOf("nvdimm-master.pem.retired"));
  EXPECT_THAT(Find(), ElementsAre(HasSubstr("nvdimm-master.pem")));
}

TEST_F(OldKeysTest, OneThatCannotBeReadIsNamedToo) {
  std::string path = Install("initrd.img", "no image");
  EXPECT_THAT(Find(), ElementsAre(HasSubstr(path + " may hold old keys: it cannot be read")));
}

TEST_F(OldKeysTest, ImagesThatCannotBeSeenAreNotTakenForClean) {
  directory_.Write("etc/fstab", "/dev/sda1 " + directory_.PathOf("boot") + " ext4 noauto 0 2\n");
  EXPECT_THAT(Find(), ElementsAre(HasSubstr("boot is not mounted")));
}

TEST_F(OldKeysTest, WithoutImagesThereIsNothingToName) {
  EXPECT_THAT(Find(), IsEmpty());
}

}  // namespace
}  // namespace nvunlock
