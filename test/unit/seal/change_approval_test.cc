// SPDX-License-Identifier: Apache-2.0
// What becomes of what is approved; that it is written is for approve_test.cc.
#include "src/seal/change_approval.h"

#include <gmock/gmock.h>

#include "src/records/record_pcrs.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/sealing_tpm.h"
#include "test/unit/support/signer.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;

/// Branches are written down as "now" for the PCRs of this boot, by the byte that other PCRs hold,
/// and "+1..+3" for boots counted from this one.
class ChangeApprovalTest : public MachineTest {
 protected:
  void SetUp() override {
    swtpm().PowerCycle();
    {
      Tpm tpm = ConnectTo(swtpm());
      for (unsigned pcr : {7, 8}) ExtendPcr(tpm, pcr, Sha256Bank());
    }
    us_.emplace(swtpm().device());
    number_ = Must(NumberOfThisBoot(us_->tpm, us_->parent));
  }
  void TearDown() override { us_.reset(); }

  [[nodiscard]] Branch Now() { return us_->ApprovalOfNow().branches[0]; }
  static Branch Pcrs(uint8_t byte) {
    return {.pcrs = PolicyForValues(Sha256Bank(), {{7, Bytes(32, byte)}, {8, Bytes(32, byte)}})};
  }
  [[nodiscard]] Branch Boots(int first, int last) const {
    BootNumber after = number_;
    after.resets += static_cast<uint32_t>(first - 1);
    return {.boots =
                BootLimit{.after = after, .last = number_.resets + static_cast<uint32_t>(last)}};
  }

  static Approval ApprovalOf(const std::vector<Branch>& branches) {
    return {.pcrs = SelectPcrs(Sha256Bank(), 1U << 7 | 1U << 8), .branches = branches};
  }

  Result<ApprovalPlan> Change(const std::vector<Branch>& base, const ApprovalChange& change) {
    return ChangeApproval(environment_, us_->tpm, us_->parent, ApprovalOf(base), change);
  }

  std::vector<std::string> Changed(const std::vector<Branch>& base, const ApprovalChange& change) {
    std::vector<std::string> words;
    for (const Branch& branch : Must(Change(base, change)).approval.branches) {
      words.push_back(Word(branch));
    }
    return words;
  }

  std::optional<SealingTpm> us_;
  BootNumber number_;

 private:
  std::string Word(const Branch& branch) {
    if (branch.signed_pcrs) return "signed";
    if (branch.boots) {
      auto from_now = [&](uint32_t number) {
        return std::to_string(static_cast<int32_t>(number - number_.resets));
      };
      return from_now(branch.boots->after.resets + 1) + ".." + from_now(branch.boots->last);
    }
    if (DigestOf(branch) == DigestOf(Now())) return "now";
    return std::to_string(branch.pcrs->beginnings.at(0));
  }
};

TEST_F(ChangeApprovalTest, OnlyNowDropsAllElse) {
  EXPECT_THAT(Changed({Pcrs(1), Pcrs(2), Boots(-3, 2), Boots(1, 1)}, {.only_now = true}),
              ElementsAre("now"));
  EXPECT_THAT(Changed({Now()}, {.only_now = true}), ElementsAre("now"));
}

TEST_F(ChangeApprovalTest, OnlyNowMayComeWithNextBoots) {
  EXPECT_THAT(Changed({Pcrs(1), Boots(0, 0)}, {.only_now = true, .next_boots = 2}),
              ElementsAre("now", "1..2"));
  EXPECT_THAT(Changed({Boots(1, 3)}, {.only_now = true, .next_boots = 1}),
              ElementsAre("now", "1..1"));
}

TEST_F(ChangeApprovalTest, LearningKeepsThePcrsThatWereApprovedLast) {
  EXPECT_THAT(Changed({Pcrs(1), Pcrs(2), Pcrs(3)}, {.learn = true}), ElementsAre("now", "1"));
  EXPECT_THAT(Changed({Boots(0, 0), Pcrs(1)}, {.learn = true}), ElementsAre("now", "1"));
}

TEST_F(ChangeApprovalTest, LearningAgainWhatIsApprovedChangesNothing) {
  EXPECT_THAT(Changed({Now()}, {.learn = true}), ElementsAre("now"));
  EXPECT_THAT(Changed({Now(), Pcrs(1), Pcrs(2)}, {.learn = true}), ElementsAre("now", "1"));
  EXPECT_THAT(Changed({Pcrs(1), Now(), Pcrs(2)}, {.learn = true}), ElementsAre("now", "1"));
}

TEST_F(ChangeApprovalTest, WhatIsNewInALearntBootIsNoted) {
  std::vector<Branch> base = {Now()};
  EXPECT_THAT(Must(Change(base, {.learn = true})).notes, ElementsAre());
  ExtendPcr(us_->tpm, 8, Sha256Bank());
  EXPECT_THAT(Must(Change(base, {.learn = true})).notes,
              ElementsAre("new since what was approved last: PCR 8 (sha256)"));
}

/// A restart is another boot, too.
TEST_F(ChangeApprovalTest, BootsAnnouncedBeforeARestartAreNotPending) {
  Branch before = Boots(1, 3);
  before.boots->after.restarts++;
  EXPECT_THAT(Changed({before}, {.learn = true}), ElementsAre("now"));
}

TEST_F(ChangeApprovalTest, WhereOnlySignedPcrsAreApprovedNothingIsLearnt) {
  Signer signer;
  Approval base = {.branches = {{.signed_pcrs = signer.PolicyOn(1U << 11)}, Boots(0, 1)}};
  Approval learnt =
      Must(ChangeApproval(environment_, us_->tpm, us_->parent, base, {.learn = true})).approval;
  ASSERT_EQ(learnt.branches.size(), 1U);
  EXPECT_TRUE(learnt.branches[0].signed_pcrs);
}

TEST_F(ChangeApprovalTest, LearningEndsTheBootsThatLedHereAndKeepsThoseAnnouncedSince) {
  EXPECT_THAT(Changed({Boots(-1, 1), Boots(0, 3), Boots(1, 2)}, {.learn = true}),
              ElementsAre("now", "1..2"));
}

TEST_F(ChangeApprovalTest, RevokingDropsAllBootsAndKeepsPcrs) {
  EXPECT_THAT(Changed({Boots(1, 1), Pcrs(1), Boots(-1, 5), Pcrs(2)}, {.revoke = true}),
              ElementsAre("1", "2"));
}

TEST_F(ChangeApprovalTest, WhereNothingIsLeftAfterRevokingNoBootIsApproved) {
  std::vector<Branch> left = Must(Change({Boots(1, 1)}, {.revoke = true})).approval.branches;
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(Describe(left[0]), "no boot");
  EXPECT_EQ(left[0].boots->last, 0U);
}

TEST_F(ChangeApprovalTest, WhereNothingWouldBeApprovedOtherwiseItIsRefused) {
  Approval base = {.branches = {Boots(0, 0)}};
  EXPECT_THAT(ChangeApproval(environment_, us_->tpm, us_->parent, base, {.learn = true}),
              FailsWith(Errc::kUsage, "nothing would be approved"));
}

TEST_F(ChangeApprovalTest, NextBootsAreAddedToThePcrs) {
  EXPECT_THAT(Changed({Pcrs(1), Pcrs(2)}, {.next_boots = 1}), ElementsAre("1", "2", "1..1"));
  EXPECT_THAT(Changed({Pcrs(1)}, {.next_boots = 3}), ElementsAre("1", "1..3"));
}

TEST_F(ChangeApprovalTest, APendingCountIsNeverLowered) {
  EXPECT_THAT(Changed({Pcrs(1), Boots(1, 3)}, {.next_boots = 1}), ElementsAre("1", "1..3"));
  EXPECT_THAT(Changed({Pcrs(1), Boots(1, 1)}, {.next_boots = 2}), ElementsAre("1", "1..2"));
  EXPECT_THAT(Changed({Pcrs(1), Boots(0, 4)}, {.next_boots = 1}), ElementsAre("1", "1..1"));
}

/// The last boot that was approved may be this one, which is over for the latch.
TEST_F(ChangeApprovalTest, UsedUpBootsAreForgotten) {
  ApprovalChange change = {.pcrs = Must(ParsePcrTerms("7+8")), .weak_policy = true};
  EXPECT_THAT(Changed({Boots(-5, -1), Boots(-1, 0), Boots(-1, 1), Pcrs(1)}, change),
              ElementsAre("now", "-1..1", "1"));
}

TEST_F(ChangeApprovalTest, OtherPcrsAreThoseThatAreLearntFromThenOn) {
  ApprovalChange change = {.only_now = true, .pcrs = Must(ParsePcrTerms("8")), .weak_policy = true};
  Approval approval = Must(Change({Now()}, change)).approval;
  EXPECT_EQ(FormatPcrs(approval.pcrs), "8:sha256");
  change = {.next_boots = 1};
  EXPECT_EQ(FormatPcrs(Must(Change({Now()}, change)).approval.pcrs), "7+8:sha256");
}

TEST_F(ChangeApprovalTest, PcrsThatDoNotCoverTheBootNeedAWord) {
  ApprovalChange change = {.only_now = true, .pcrs = Must(ParsePcrTerms("8"))};
  EXPECT_THAT(Change({Now()}, change), FailsWith(Errc::kFailed, "--weak-policy"));
}

/// Firmware and Secure Boot's keys: an update of the boot files does not touch them.
TEST_F(ChangeApprovalTest, NextBootsAreBoundToPcr7WhereItIsApproved) {
  Branch next = Must(Change({Now()}, {.next_boots = 1})).approval.branches.back();
  ASSERT_TRUE(next.pcrs);
  EXPECT_EQ(DigestOf(Branch{.pcrs = next.pcrs}), DigestOf(Branch{.pcrs = us_->PcrsOfNow(1U << 7)}));
  Approval base = ApprovalOf({Now()});
  base.pcrs = SelectPcrs(Sha256Bank(), 1U << 8);
  Approval changed =
      Must(ChangeApproval(environment_, us_->tpm, us_->parent, base, {.next_boots = 1})).approval;
  EXPECT_FALSE(changed.branches.back().pcrs);
}

TEST_F(ChangeApprovalTest, SignedPcrsAreAddedAndStay) {
  Signer signer;
  ApprovalChange change = {.signed_pcrs = SignedTerms{.key = signer.key()}};
  EXPECT_THAT(Changed({Pcrs(1)}, change), ElementsAre("signed", "1"));
  Branch by_key = {.signed_pcrs = signer.PolicyOn(1U << 11)};
  EXPECT_THAT(Changed({Pcrs(1), by_key}, change), ElementsAre("signed", "1"));
  EXPECT_THAT(Changed({by_key, Pcrs(1), Boots(1, 1)}, {.revoke = true}),
              ElementsAre("signed", "1"));
  EXPECT_THAT(Changed({by_key, Pcrs(1)}, {.learn = true}), ElementsAre("now", "signed", "1"));
  change.only_now = true;
  EXPECT_THAT(Changed({Pcrs(1), Boots(1, 1)}, change), ElementsAre("signed"));
}

/// What the booted system holds now is not what unlocked.
TEST_F(ChangeApprovalTest, TheRecordOfTheUnlockIsWhatIsLearnt) {
  PcrRecord record = {.in_initramfs = true,
                      .banks = {{"sha256", {{7, Bytes(32, 5)}, {8, Bytes(32, 5)}}}}};
  directory_.Write("run/nvunlock/pcrs.json", FormatPcrRecord(record));
  EXPECT_THAT(Changed({Pcrs(1)}, {.learn = true}), ElementsAre("5", "1"));
}

TEST(DependsOnBootFilesTest, GoesByThePcrs) {
  std::vector<unsigned> depending;
  for (unsigned pcr = 0; pcr < kPcrCount; pcr++) {
    if (DependsOnBootFiles({.pcrs = SelectPcrs(Sha256Bank(), 1U << pcr)})) depending.push_back(pcr);
  }
  EXPECT_THAT(depending, ElementsAre(4, 5, 8, 9, 11, 12));
  EXPECT_FALSE(DependsOnBootFiles({}));
}

}  // namespace
}  // namespace nvunlock
