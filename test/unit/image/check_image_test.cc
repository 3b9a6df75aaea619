// SPDX-License-Identifier: Apache-2.0
// Whether an image would unlock: each thing that it needs is missed when it is not there.
#include "src/image/check_image.h"

#include "src/status/inspect.h"
#include "test/unit/support/image_test.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CheckImageTest : public ImageTest {
 protected:
  [[nodiscard]] ImageCheck CheckFile(const std::string& content) const {
    return Must(CheckImage(environment_, Install("initrd.img", content)));
  }
  [[nodiscard]] ImageCheck Check() const { return CheckFile(image_.Archive()); }

  void ExpectProblem(const std::string& words, ImageKind kind = ImageKind::kUnlocking) const {
    ImageCheck check = Check();
    EXPECT_EQ(check.kind, kind);
    EXPECT_THAT(check.problems, ElementsAre(HasSubstr(words)));
  }

  void ExpectGood() const {
    ImageCheck check = Check();
    EXPECT_EQ(check.kind, ImageKind::kUnlocking);
    EXPECT_THAT(check.problems, IsEmpty());
    EXPECT_THAT(check.old_keys, IsEmpty());
  }

  static constexpr char kBlobPath[] = "etc/ndctl/keys/nvdimm_8089-a2-1740-00000133_here.blob";
};

TEST_F(CheckImageTest, OneWithAllThatIsNeededUnlocks) {
  ExpectGood();
  EXPECT_THAT(CheckFile(Packed("gzip -c", image_.Archive())).problems, IsEmpty());
  EXPECT_THAT(CheckFile(SampleUki(image_.Archive())).problems, IsEmpty());
}

TEST_F(CheckImageTest, TheProgramMustBeExecutable) {
  image_.Put("usr/bin/nvunlock", "a program", S_IFREG | 0644);
  ExpectProblem("not executable");
}

TEST_F(CheckImageTest, WithoutTheProgramItHasTheGuardOnly) {
  image_.Remove("usr/bin/nvunlock");
  ImageCheck check = Check();
  EXPECT_EQ(check.kind, ImageKind::kGuarded);
  EXPECT_THAT(check.problems, IsEmpty());
}

TEST_F(CheckImageTest, TheGuardMustBeOurs) {
  image_.Put("etc/modprobe.d/00-nvunlock.conf", "# nvunlock: open\n");
  ExpectProblem("guard is not the one");
  image_.Put("etc/modprobe.d/00-nvunlock.conf", GuardText());
  image_.Put("etc/modprobe.d/00-nvunlock-image.conf", "");
  ExpectProblem("guard is not the one");
  image_.Remove("etc/modprobe.d/00-nvunlock-image.conf");
  ImageCheck check = Check();
  EXPECT_EQ(check.kind, ImageKind::kUnguarded);
  EXPECT_THAT(check.problems, ElementsAre(HasSubstr("no guard")));
}

TEST_F(CheckImageTest, TheGuardOfAnImageWithoutTheProgramCountsAsWell) {
  image_.Remove("usr/bin/nvunlock");
  image_.Put("etc/modprobe.d/00-nvunlock.conf", "");
  ExpectProblem("guard is not the one", ImageKind::kGuarded);
}

TEST_F(CheckImageTest, ItMustSayThatItIsEnrolled) {
  image_.Put("etc/nvunlock/image", "enrolled=no\nhost=here\n");
  ExpectProblem("does not say enrolled=yes");
  image_.Put("etc/nvunlock/image", "host=here\n");
  ExpectProblem("does not say enrolled=yes");
  image_.Remove("etc/nvunlock/image");
  ExpectProblem("does not say enrolled=yes");
}

TEST_F(CheckImageTest, TheHostCountsOnlyWhereItDecides) {
  image_.Put("etc/nvunlock/image", "enrolled=yes\nhost=elsewhere\n");
  ExpectGood();
  AddBlob(kDimmId, kek_, "nvdimm-master", "elsewhere");
  PutKeys();
  image_.Put("etc/nvunlock/image", "enrolled=yes\nhost=elsewhere\n");
  ExpectProblem("prefers the blobs of elsewhere");
}

TEST_F(CheckImageTest, TheKeyFileMustBeThere) {
  image_.Remove("etc/ndctl/keys/nvdimm-master.pem");
  ExpectProblem("lacks nvdimm-master.pem");
}

TEST_F(CheckImageTest, TheKeyFileMustHaveTheMachinesSlots) {
  std::filesystem::remove(KeysPathOf("nvdimm-master.pem"));
  EnrollKek(kek_);
  ExpectProblem("nvdimm-master.pem differs");
  EXPECT_THAT(Check().old_keys, ElementsAre("etc/ndctl/keys/nvdimm-master.pem"));
}

TEST_F(CheckImageTest, ADamagedKeyFileHereIsAProblem) {
  WriteKeysFile("nvdimm-master.pem", "damaged");
  EXPECT_FALSE(Check().problems.empty());
}

TEST_F(CheckImageTest, TheBlobMustBeThere) {
  image_.Remove(kBlobPath);
  ExpectProblem("lacks nvdimm_8089");
  image_.Put(kBlobPath, "");
  ExpectProblem("lacks nvdimm_8089");
}

TEST_F(CheckImageTest, TheBlobMustBeTheMachines) {
  AddBlob(kDimmId, kek_);
  ExpectProblem("00000133_here.blob differs");
  EXPECT_THAT(Check().old_keys, ElementsAre(kBlobPath));
}

TEST_F(CheckImageTest, StagedBlobsMustBeThere) {
  Stage("nvdimm-new", AddBlob(kOtherDimmId, kek_));
  PutKeys();
  ExpectGood();
  image_.Remove("etc/ndctl/keys/nvdimm-new_8089-a2-1740-00000133_here.blob");
  ExpectProblem("lacks nvdimm-new_8089");
}

TEST_F(CheckImageTest, AMasterBlobIsNotMissed) {
  Stage("nvdimm-master", AddBlob(kDimmId, kek_));
  PutKeys();
  ExpectGood();
}

TEST_F(CheckImageTest, TheDriversMustBeThere) {
  image_.Remove("usr/lib/modules/6.1.0/kernel/drivers/acpi/nfit/nfit.ko.xz");
  ExpectProblem("lacks libnvdimm, or both");
  image_.Put("lib/modules/6.1.0/kernel/drivers/cxl/cxl_pmem.ko", "a module");
  ExpectGood();
  image_.Remove("usr/lib/modules/6.1.0/kernel/drivers/nvdimm/libnvdimm.ko.xz");
  ExpectProblem("lacks libnvdimm, or both");
  image_.Put("lib/modules/6.1.0/modules.builtin", "kernel/drivers/nvdimm/libnvdimm.ko\n");
  ExpectGood();
}

TEST_F(CheckImageTest, SomethingMustStartIt) {
  image_.Remove("scripts/init-top/nvunlock");
  ExpectProblem("nothing in it starts nvunlock");
  for (const char* start :
       {"hooks/nvunlock", "usr/lib/dracut/hooks/pre-mount/05-nvunlock-unlock.sh",
        "usr/lib/systemd/system/sysinit.target.wants/nvunlock-initrd.service"}) {
    image_.Put(start, "");
    ExpectGood();
    image_.Remove(start);
  }
}

TEST_F(CheckImageTest, AKekInClearIsAProblemInEveryLayer) {
  SampleImage below;
  below.Put("opt/nvdimm-master.blob", std::string(32, 'k'));
  image_.Put("opt/nvdimm-master.blob", "");
  ImageCheck check = CheckFile(below.Archive() + image_.Archive());
  EXPECT_THAT(check.problems, ElementsAre("opt/nvdimm-master.blob is a kek in clear"));
  SampleImage firmware;
  firmware.Put("usr/lib/firmware/radio.blob", "data");
  EXPECT_THAT(CheckFile(firmware.Archive() + image_.Archive()).problems, IsEmpty());
}

TEST_F(CheckImageTest, LaterLayersCoverEarlierOnesButOldKeysAreStillNamed) {
  SampleImage below;
  below.Put(kBlobPath, AddBlob(kOtherDimmId, kek_));
  below.Put("etc/ndctl/keys/retired.pem", "a key file");
  std::filesystem::remove(KeysPathOf("nvdimm_8089-a2-1740-00000134_here.blob"));
  ImageCheck check = CheckFile(below.Archive() + image_.Archive());
  EXPECT_THAT(check.problems, IsEmpty());
  EXPECT_THAT(check.old_keys, ElementsAre(kBlobPath, "etc/ndctl/keys/retired.pem"));
}

TEST_F(CheckImageTest, WhatCannotBeReadIsAProblem) {
  ImageCheck check = CheckFile("no image");
  EXPECT_EQ(check.kind, ImageKind::kUnreadable);
  EXPECT_THAT(check.problems, ElementsAre(HasSubstr("cannot be read")));
}

TEST_F(CheckImageTest, WhereNothingIsEnrolledNothingUnlocks) {
  std::filesystem::remove_all(environment_.keys_dir);
  ExpectProblem("nothing is enrolled");
}

}  // namespace
}  // namespace nvunlock
