// SPDX-License-Identifier: Apache-2.0
// Whether the image that the next boot takes is noticed to be outdated.
#include "test/unit/support/inspected_machine.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class OutdatedImageTest : public InspectTest {
 protected:
  void SetUp() override {
    InspectTest::SetUp();
    RecordInInitramfs();
  }

  void BuildImage() const { directory_.Write("boot/initrd.img", "an image"); }
};

TEST_F(OutdatedImageTest, TheImageOfThisBootHoldsTheKeyFileAndTheBlob) {
  ExpectGood();
  EXPECT_EQ(Look().keks[0].image, "in the image of this boot");
  EXPECT_THAT(VerdictNow().remarks, IsEmpty());
}

TEST_F(OutdatedImageTest, ASlotThatItLacksDoesNotOpenUntilItIsRebuilt) {
  std::filesystem::remove(KeysPathOf(kKeyFile));
  EnrollKek(kek_);
  ExpectProblem(Errc::kFailed, "rebuild the initramfs image");
  BuildImage();
  ExpectGood();
}

TEST_F(OutdatedImageTest, AChangeThatLeavesASlotIsRemarkedUpon) {
  KeyFile file = ReadKeyFile();
  file.recovery.push_back(Must(MakeKeySlot(kek_, Must(MakeRecoveryKey()))));
  WriteKeyFile(file);
  ExpectGood();
  EXPECT_THAT(VerdictNow().remarks, ElementsAre(HasSubstr("rebuild it")));
}

TEST_F(OutdatedImageTest, ASlotThatDoesNotBelongIntoItIsNotMissed) {
  KeyFile file = ReadKeyFile();
  file.recovery.push_back(Must(MakePassphraseSlot(kek_, SecretOf("a long passphrase"))));
  WriteKeyFile(file);
  ExpectGood();
  EXPECT_THAT(VerdictNow().remarks, IsEmpty());
}

TEST_F(OutdatedImageTest, ANewBlobIsAProblemUntilItIsRebuilt) {
  AddBlob(kDimmId, kek_);
  ExpectProblem(Errc::kFailed, "its blob has changed since the image");
  BuildImage();
  ExpectGood();
}

}  // namespace
}  // namespace nvunlock
