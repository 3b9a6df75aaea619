// SPDX-License-Identifier: Apache-2.0
// Bringing the keys in images up to date.
#include "src/image/refresh_images.h"

#include "src/image/check_image.h"
#include "src/image/image_tree.h"
#include "src/model/blob_record.h"
#include "src/records/unlock_record.h"
#include "test/unit/support/image_test.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kOtherBlob[] = "nvdimm_8089-a2-1740-00000134_here.blob";

class RefreshImagesTest : public ImageTest {
 protected:
  void SetUp() override {
    ImageTest::SetUp();
    path_ = Install("initrd.img", Packed("gzip -c", image_.Archive()));
  }

  [[nodiscard]] Result<std::vector<std::string>> Refresh(const std::string& command = "") const {
    return TryAndRefreshImages(environment_, {.rebuild_command = command});
  }

  void ExpectRefused(const std::string& words, Errc code = Errc::kImageOutdated) const {
    Result<std::vector<std::string>> refreshed = Refresh();
    ASSERT_THAT(refreshed, FailsWith(code));
    EXPECT_THAT(refreshed.error().message, HasSubstr(words));
  }

  [[nodiscard]] std::string Content() const { return directory_.Read("boot/initrd.img"); }

  [[nodiscard]] std::string Held(const std::string& name) const {
    return Must(OpenImage(path_)).TextOf("etc/ndctl/keys/" + name).value_or("(none)");
  }

  std::string path_;
};

TEST_F(RefreshImagesTest, AnImageThatHoldsEverythingIsNotTouched) {
  std::string before = Content();
  auto time = std::filesystem::last_write_time(path_);
  EXPECT_THAT(Must(Refresh()), ElementsAre(path_));
  EXPECT_EQ(Content(), before);
  EXPECT_EQ(std::filesystem::last_write_time(path_), time);
}

TEST_F(RefreshImagesTest, NothingIsTouchedWhileAnImagesFileSystemIsNotMounted) {
  std::string before = Content();
  AddBlob(kDimmId, kek_);
  directory_.Write("etc/fstab",
                   "/dev/sda1 " + directory_.PathOf("boot/efi") + " vfat noauto 0 2\n");
  ExpectRefused("boot/efi is not mounted", Errc::kFailed);
  EXPECT_EQ(Content(), before);
}

TEST_F(RefreshImagesTest, WhatHasChangedIsAppended) {
  std::string before = Content();
  std::string blob = AddBlob(kDimmId, kek_);
  Stage("nvdimm-new", blob);
  EXPECT_THAT(Must(Refresh()), ElementsAre(path_));
  EXPECT_TRUE(Content().starts_with(before));
  EXPECT_EQ(Held(kBlobName), blob);
  EXPECT_EQ(Held("nvdimm-new_8089-a2-1740-00000133_here.blob"), blob);
  EXPECT_THAT(Must(CheckImage(environment_, path_)).problems, IsEmpty());
}

TEST_F(RefreshImagesTest, APatchTakesThePlaceOfTheOneBefore) {
  AddBlob(kDimmId, kek_);
  Must(Refresh());
  size_t size = Content().size();
  std::string blob = AddBlob(kDimmId, kek_);
  Must(Refresh());
  EXPECT_EQ(Content().size(), size);
  EXPECT_EQ(Held(kBlobName), blob);
  std::string content = Content();
  Must(Refresh());
  EXPECT_EQ(Content(), content);
}

TEST_F(RefreshImagesTest, WhatIsGoneIsEmptied) {
  AddBlob(kOtherDimmId, kek_);
  PutKeys();
  path_ = Install("initrd.img", Packed("gzip -c", image_.Archive()));
  std::filesystem::remove(KeysPathOf(kOtherBlob));
  Must(Refresh());
  EXPECT_EQ(Held(kOtherBlob), "");
  // Also when the patch that emptied it is replaced.
  AddBlob(kDimmId, kek_);
  Must(Refresh());
  EXPECT_EQ(Held(kOtherBlob), "");
}

/// After a rollback of the root file system, say: the image may hold the only copy.
TEST_F(RefreshImagesTest, WhatHasUnlockedADimmIsNotTakenOutByOlderKeys) {
  std::string before = Content();
  AddBlob(kDimmId, kek_);
  Must(WriteUnlockedWith(environment_, {{kDimmId, {HashOfBlob("enc32 newer"), true}}}));
  // Without the advice to rebuild them.
  ExpectRefused("may have the only copy", Errc::kFailed);
  EXPECT_EQ(Content(), before);
}

TEST_F(RefreshImagesTest, ALinkToNothingIsPassedOver) {
  directory_.Link("boot/initrd.img.old", "gone");
  EXPECT_THAT(Must(Refresh()), ElementsAre(path_));
}

TEST_F(RefreshImagesTest, MasterBlobsAreNotPutIn) {
  AddBlob(kDimmId, kek_);
  Stage("nvdimm-master", "enc32 user:nvdimm-master 32 ");
  Must(Refresh());
  EXPECT_EQ(Held("nvdimm-master_8089-a2-1740-00000133_here.blob"), "(none)");
}

TEST_F(RefreshImagesTest, ModeStaysAndNothingIsLeftBehind) {
  chmod(path_.c_str(), 0644);
  AddBlob(kDimmId, kek_);
  Must(Refresh());
  struct stat status = {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0644U);
  EXPECT_EQ(directory_.CountIn("boot"), 1U);
}

TEST_F(RefreshImagesTest, ALinkStaysALink) {
  directory_.Link("boot/initrd", "initrd.img");
  AddBlob(kDimmId, kek_);
  EXPECT_THAT(Must(Refresh()), ElementsAre(path_));
  EXPECT_TRUE(std::filesystem::is_symlink(directory_.PathOf("boot/initrd")));
}

TEST_F(RefreshImagesTest, WhatAnInterruptedRunHasLeftIsOverwritten) {
  directory_.Write("boot/.initrd.img.nvunlock", "half of it");
  AddBlob(kDimmId, kek_);
  Must(Refresh());
  EXPECT_EQ(directory_.CountIn("boot"), 1U);
}

TEST_F(RefreshImagesTest, ImagesWithoutNvunlockAreLeftAlone) {
  SampleImage other;
  other.Put("bin/sh", "a shell");
  Install("initrd.img-other", other.Archive());
  AddBlob(kDimmId, kek_);
  EXPECT_THAT(Must(Refresh()), ElementsAre(path_));
  EXPECT_EQ(directory_.Read("boot/initrd.img-other"), other.Archive());
}

TEST_F(RefreshImagesTest, ThereMustBeOneThatUnlocks) {
  std::filesystem::remove(path_);
  ExpectRefused("no initramfs image");
}

TEST_F(RefreshImagesTest, OneThatCannotBeReadIsAFailure) {
  Install("initrd.img-2", "no image");
  ExpectRefused("initrd.img-2");
}

TEST_F(RefreshImagesTest, OneThatWouldNotUnlockAllTheSameIsAFailure) {
  image_.Remove("scripts/init-top/nvunlock");
  Install("initrd.img", image_.Archive());
  ExpectRefused("nothing in it starts nvunlock");
}

TEST_F(RefreshImagesTest, AUkiCannotBePatchedButMayBeUpToDate) {
  std::filesystem::remove(path_);
  std::string uki = directory_.Write("boot/EFI/Linux/linux.efi", SampleUki(image_.Archive()));
  EXPECT_THAT(Must(Refresh()), ElementsAre(uki));
  AddBlob(kDimmId, kek_);
  ExpectRefused("is a UKI, which cannot be patched; set rebuild-images=");
}

TEST_F(RefreshImagesTest, NoneIsPatchedWhenOneCannotBe) {
  directory_.Write("boot/EFI/Linux/linux.efi", SampleUki(image_.Archive()));
  std::string before = Content();
  AddBlob(kDimmId, kek_);
  ExpectRefused("is a UKI");
  EXPECT_EQ(Content(), before);
}

TEST_F(RefreshImagesTest, WhereLinuxWouldNotFindThePatchThereIsNone) {
  std::string lzma = Packed("xz --format=lzma -c", image_.Archive());
  std::string config = std::string(8, '\0') + "#BOOTCONFIG\n";
  Install("initrd.img", lzma);
  AddBlob(kDimmId, kek_);
  ExpectRefused("lzma");
  Install("initrd.img", image_.Archive() + config);
  ExpectRefused("boot configuration");
}

TEST_F(RefreshImagesTest, Lz4IsPatchedForKernelsThatFindThePatch) {
  if (!std::filesystem::exists("/usr/bin/lz4")) GTEST_SKIP() << "there is no lz4";
  Install("initrd.img", Packed("lz4 -l -c", image_.Archive()));
  std::string blob = AddBlob(kDimmId, kek_);
  Must(Refresh());
  EXPECT_EQ(Held(kBlobName), blob);
  image_.Put("lib/modules/5.13.19/modules.order", "");
  Install("initrd.img", Packed("lz4 -l -c", image_.Archive()));
  ExpectRefused("Linux before 5.14");
}

TEST_F(RefreshImagesTest, ACommandMayRebuildThem) {
  std::filesystem::remove(path_);
  std::string uki = directory_.Write("boot/EFI/Linux/linux.efi", SampleUki(image_.Archive()));
  AddBlob(kDimmId, kek_);
  PutKeys();
  std::string rebuilt = directory_.Write("rebuilt", SampleUki(image_.Archive()));
  EXPECT_THAT(Must(Refresh("/bin/cp  " + rebuilt + " " + uki)), ElementsAre(uki));
}

TEST_F(RefreshImagesTest, ACommandThatDoesNotHelpIsAFailure) {
  AddBlob(kDimmId, kek_);
  EXPECT_THAT(Refresh("/bin/false"), FailsWith(Errc::kFailed));
  Result<std::vector<std::string>> refreshed = Refresh("true");
  ASSERT_THAT(refreshed, FailsWith(Errc::kImageOutdated));
  EXPECT_THAT(refreshed.error().message, HasSubstr("still not up to date after true"));
}

TEST_F(RefreshImagesTest, NoCommandIsRunWithoutNeed) {
  EXPECT_THAT(Must(Refresh("/bin/false")), SizeIs(1));
}

}  // namespace
}  // namespace nvunlock
