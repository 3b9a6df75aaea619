// SPDX-License-Identifier: Apache-2.0
#include "src/seal/approve_all.h"

#include "src/records/unlearnt.h"
#include "test/unit/support/approve_test.h"

namespace nvunlock {
namespace {

using testing::SizeIs;

/// With two keks.
class ApproveAllTest : public ApproveTest {
 protected:
  void SetUp() override {
    ApproveTest::SetUp();
    EnrollKek(kek_, "rack7");
    for (const char* name : {"nvdimm-master", "rack7"}) {
      Must(HoldUpdateKey(environment_, FileOf(name), kek_));
    }
  }

  [[nodiscard]] KeyFile FileOf(const std::string& name) const {
    return Must(store_.ReadKeyFile({"user", name}));
  }

  [[nodiscard]] std::vector<KekApproval> RunAll(const ApprovalChange& change,
                                                bool keep_keys = false) const {
    return Must(ApproveAll(environment_, std::nullopt, change, {}, keep_keys));
  }

  [[nodiscard]] size_t CountHeldKeys() const {
    size_t count = 0;
    for (const char* name : {"nvdimm-master", "rack7"}) {
      count += Must(FindHeldUpdateKey(environment_, {"user", name})) ? 1 : 0;
    }
    return count;
  }
};

TEST_F(ApproveAllTest, EveryEnrolledKekIsApproved) {
  std::vector<KekApproval> approvals = RunAll(kNextBoot);
  ASSERT_THAT(approvals, SizeIs(2));
  for (const KekApproval& one : approvals) EXPECT_TRUE(one.report->written) << one.kek.ToString();
  EXPECT_EQ(CountHeldKeys(), 2U);
}

TEST_F(ApproveAllTest, OneThatFailsStopsNoOther) {
  WriteKeysFile("nvdimm-master.pem", "damaged");
  std::vector<KekApproval> approvals = RunAll(kNextBoot);
  ASSERT_THAT(approvals, SizeIs(2));
  EXPECT_THAT(approvals[0].report, FailsWith(Errc::kBadKeyFile));
  EXPECT_TRUE(approvals[1].report->written);
}

TEST_F(ApproveAllTest, OnlyWhatUnlockHasLeftIsLearntAndThenForgotten) {
  Extend(8);
  Must(RecordUnlearnt(environment_, {"user", "rack7"}));
  std::vector<KekApproval> approvals = RunAll(kLearn);
  ASSERT_THAT(approvals, SizeIs(1));
  EXPECT_EQ(approvals[0].kek, (KekName{"user", "rack7"}));
  EXPECT_TRUE(approvals[0].report->written);
  EXPECT_THAT(Must(ReadUnlearnt(environment_)), testing::IsEmpty());
  EXPECT_EQ(CountHeldKeys(), 0U);
  EXPECT_THAT(RunAll(kLearn), testing::IsEmpty());
}

TEST_F(ApproveAllTest, TheKeysStayWhereUpdatesAreUnattended) {
  Must(RecordUnlearnt(environment_, {"user", "rack7"}));
  EXPECT_THAT(RunAll(kLearn, /*keep_keys=*/true), SizeIs(1));
  EXPECT_EQ(CountHeldKeys(), 2U);
}

TEST_F(ApproveAllTest, WhatCouldNotBeLearntIsLeftForAnotherTry) {
  Must(RecordUnlearnt(environment_, {"user", "rack7"}));
  WriteKeysFile("rack7.pem", "damaged");
  EXPECT_THAT(RunAll(kLearn).at(0).report, FailsWith(Errc::kBadKeyFile));
  EXPECT_THAT(Must(ReadUnlearnt(environment_)), SizeIs(1));
  EXPECT_EQ(CountHeldKeys(), 0U);
}

TEST_F(ApproveAllTest, AKekWithoutATpmSlotIsNoneThatAnUpdateMatters) {
  KeyFile file = FileOf("rack7");
  file.recovery.push_back(Must(MakeKeySlot(kek_, SampleSecret(32))));
  file.slots.clear();
  WriteKeysFile("rack7.pem", Must(FormatKeyFile(file)));
  EXPECT_THAT(ApproveUpdate(environment_), Succeeds());
  EXPECT_THAT(RunAll(kNextBoot).at(1).report, FailsWith(Errc::kBadKeyFile, "no TPM slot"));
}

TEST_F(ApproveAllTest, AnUpdateApprovesTheNextBootOfAll) {
  ASSERT_THAT(ApproveUpdate(environment_), Succeeds());
  for (const KekApproval& one : Must(ReadApprovals(environment_, std::nullopt))) {
    ASSERT_THAT(one.report->approval.branches, SizeIs(2));
    EXPECT_TRUE(one.report->approval.branches[1].boots);
  }
  ResetTo({7});
  ExpectOpens();
}

TEST_F(ApproveAllTest, AnUpdateThatCannotBeApprovedIsAFailureThatNamesTheKek) {
  WriteKeysFile("rack7.pem", "damaged");
  EXPECT_THAT(ApproveUpdate(environment_), FailsWith(Errc::kBadKeyFile, "rack7"));
}

TEST_F(ApproveAllTest, WhereNothingIsEnrolledAnUpdateIsFine) {
  std::filesystem::remove_all(environment_.keys_dir);
  EXPECT_THAT(ApproveUpdate(environment_), Succeeds());
  EXPECT_THAT(ApproveAll(environment_, std::nullopt, kNextBoot, {}, false),
              FailsWith(Errc::kBadKeyFile, "nothing is enrolled"));
  EXPECT_THAT(ReadApprovals(environment_, std::nullopt),
              FailsWith(Errc::kBadKeyFile, "nothing is enrolled"));
}

TEST_F(ApproveAllTest, WhatIsApprovedIsShownUnchanged) {
  RemoveTheIndex();
  std::vector<KekApproval> shown = Must(ReadApprovals(environment_, std::nullopt));
  ASSERT_THAT(shown, SizeIs(2));
  EXPECT_THAT(shown[0].report, FailsWith(Errc::kLatchGone, "'nvunlock approve --now'"));
  EXPECT_FALSE(shown[1].report->written);
  EXPECT_EQ(FormatPcrs(shown[1].report->approval.pcrs), "7+8:sha256");
}

}  // namespace
}  // namespace nvunlock
