// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/rollback_check.h"

#include "src/model/blob_record.h"
#include "src/records/unlock_record.h"
#include "test/unit/support/operations_test.h"

namespace nvunlock {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// The keys directory is older than the blob that unlocked the DIMM.
class LastCopyTest : public OperationsTest {
 protected:
  LastCopyTest() : present_(AddBlob(kId)) {}

  void AddDimm(const std::string& security, bool frozen) const {
    tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = security, .frozen = frozen ? "1" : "0"});
  }

  void RecordUnlockedWith(const std::string& blob, bool frozen) const {
    Must(WriteUnlockedWith(environment_, {{kId, {HashOfBlob(blob), frozen}}}));
  }

  [[nodiscard]] Result<void> Check() const { return TryForLastCopy(environment_); }

  [[nodiscard]] std::string Recorded() const { return ReadUnlockedWith(environment_)[kId].hash; }

  std::string present_;
};

constexpr char kRefusal[] = "may have the only copy";

TEST_F(LastCopyTest, WhatHasUnlockedADimmMustBeThere) {
  AddDimm("unlocked", true);
  RecordUnlockedWith(present_, true);
  EXPECT_THAT(Check(), Succeeds());
  RecordUnlockedWith("enc32 newer", true);
  EXPECT_THAT(Check(), FailsWith(Errc::kFailed, kRefusal));
  EXPECT_EQ(Security(), "unlocked\n");
}

TEST_F(LastCopyTest, InAnyStage) {
  AddDimm("unlocked", true);
  RecordUnlockedWith(AddBlob(kId, kStagedBlob), true);
  EXPECT_THAT(Check(), Succeeds());
}

/// It may have another one by now, set by ndctl.
TEST_F(LastCopyTest, ADimmThatIsNotFrozenIsAskedForTheOneThatIsThere) {
  AddDimm("unlocked", false);
  RecordUnlockedWith("enc32 newer", false);
  EXPECT_THAT(Check(), Succeeds());
  EXPECT_THAT(Security(), StartsWith("update "));
  EXPECT_EQ(Recorded(), HashOfBlob(present_));
}

TEST_F(LastCopyTest, WhenItRefusesThatTheImagesStay) {
  AddDimm("unlocked", false);
  RecordUnlockedWith("enc32 newer", false);
  LetRefuse("nmem0");
  EXPECT_THAT(Check(), FailsWith(Errc::kFailed));
  EXPECT_EQ(Recorded(), HashOfBlob("enc32 newer"));
}

TEST_F(LastCopyTest, WithoutTheKekItIsNotAskedAndTheImagesStay) {
  AddDimm("unlocked", false);
  RecordUnlockedWith("enc32 newer", false);
  keyctl_clear(keyring().serial());
  Result<void> checked = Check();
  ASSERT_THAT(checked, FailsWith(Errc::kFailed, kRefusal));
  EXPECT_THAT(checked.error().message, HasSubstr("could not be tested"));
  EXPECT_EQ(Security(), "unlocked\n");
}

TEST_F(LastCopyTest, OneThatIsGoneOrFrozenByNowCannotBeAsked) {
  RecordUnlockedWith("enc32 newer", false);
  EXPECT_THAT(Check(), FailsWith(Errc::kFailed, kRefusal));
  AddDimm("unlocked", true);
  EXPECT_THAT(Check(), FailsWith(Errc::kFailed, kRefusal));
  EXPECT_EQ(Security(), "unlocked\n");
}

TEST_F(LastCopyTest, ADimmWithoutAPassphraseHasNoneToLose) {
  AddDimm("disabled", false);
  RecordUnlockedWith("enc32 newer", false);
  EXPECT_THAT(Check(), Succeeds());
}

}  // namespace
}  // namespace nvunlock
