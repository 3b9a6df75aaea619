// SPDX-License-Identifier: Apache-2.0
#include "tpm/approval.h"

#include <gmock/gmock.h>

#include <set>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/sealing_tpm.h"
#include "tpm/policy_index.h"

namespace nvunlock {
namespace {

SignedPolicy SampleSigned() {
  return {.pcrs = SamplePcrPolicy().pcrs,
          .key_name = Concatenate({Hex("000b"), Bytes(32, 0x5a)}),
          .reference = Hex("7265")};
}

/// A branch with these parts: 1 signed PCRs, 2 boots, 4 PCRs.
Branch BranchOf(unsigned parts) {
  Branch branch;
  if ((parts & 1) != 0) branch.signed_pcrs = SampleSigned();
  if ((parts & 2) != 0) branch.boots = BootLimit{.after = {17, 5}, .last = 0x01020304};
  if ((parts & 4) != 0) branch.pcrs = SamplePcrPolicy();
  return branch;
}

/// COUNT branches for one boot each.
Approval ManyBoots(uint32_t count) {
  Approval approval = {.pcrs = SampleApproval().pcrs, .branches = {}};
  for (uint32_t i = 0; i < count; i++) {
    approval.branches.push_back({.boots = BootLimit{.after = {i, 0}, .last = i + 1}});
  }
  return approval;
}

std::vector<Approval> Samples() {
  std::vector<Approval> samples = {SampleApproval(), ManyBoots(2), ManyBoots(kMostBranches)};
  Approval mixed = {.pcrs = SampleApproval().pcrs, .branches = {}};
  for (unsigned parts = 1; parts < 8; parts++) {
    samples.push_back({.pcrs = SampleApproval().pcrs, .branches = {BranchOf(parts)}});
    if (parts % 2 == 0) mixed.branches.push_back(BranchOf(parts));
  }
  samples.push_back(mixed);
  return samples;
}

TEST(EncodeApprovalTest, IsTheDigestAndWhatMakesItUp) {
  Approval approval = SampleApproval();
  approval.branches.push_back(BranchOf(3));
  const PcrPolicy& pcrs = *approval.branches[0].pcrs;
  EXPECT_EQ(ToHex(Must(EncodeApproval(approval))),
            "000b" + ToHex(DigestOf(approval)) + "01" + "000b00000880" + "02" +       //
                "04" + "000b00000880" + ToHex(pcrs.pcr_digest) + "070707070707" +     //
                "111111111111" +                                                      //
                "03" + "000b00000880" + "000b" + ToHex(Bytes(32, 0x5a)) + "027265" +  //
                "00000011" + "00000005" + "01020304");
}

TEST(EncodeApprovalTest, DecodingIsTheInverse) {
  for (const Approval& approval : Samples()) {
    Bytes contents = Must(EncodeApproval(approval));
    Approval decoded = Must(DecodeApproval(contents));
    EXPECT_EQ(Must(EncodeApproval(decoded)), contents);
    EXPECT_EQ(DigestOf(decoded), DigestOf(approval));
    EXPECT_EQ(MaskOf(decoded.pcrs), MaskOf(approval.pcrs));
    EXPECT_EQ(decoded.branches.size(), approval.branches.size());
  }
}

TEST(EncodeApprovalTest, ZerosBehindItDoNotMatter) {
  Bytes contents = Must(EncodeApproval(SampleApproval()));
  contents.resize(kPolicyIndexSize);
  EXPECT_EQ(DigestOf(Must(DecodeApproval(contents))), DigestOf(SampleApproval()));
}

TEST(EncodeApprovalTest, WithoutABranchNothingIsApproved) {
  EXPECT_THAT(EncodeApproval({}), FailsWith(Errc::kFailed, "without a boot"));
}

TEST(EncodeApprovalTest, MoreBranchesThanPolicyOrTakesAreRefused) {
  EXPECT_THAT(EncodeApproval(ManyBoots(kMostBranches)), Succeeds());
  EXPECT_THAT(EncodeApproval(ManyBoots(kMostBranches + 1)),
              FailsWith(Errc::kUsage, "'nvunlock approve --now'"));
}

TEST(EncodeApprovalTest, MoreThanTheIndexHoldsIsRefused) {
  Approval approval = SampleApproval();
  PcrValues all;
  for (unsigned pcr = 0; pcr < kPcrCount; pcr++) all[pcr] = Bytes(32, 1);
  approval.branches = {{.pcrs = PolicyForValues(Sha256Bank(), all)}};
  EXPECT_LE(Must(EncodeApproval(approval)).size(), kPolicyIndexSize);
  for (int i = 0; i < 3; i++) approval.branches.push_back(approval.branches[0]);
  EXPECT_THAT(EncodeApproval(approval), FailsWith(Errc::kUsage, "so many approvals at once"));
}

TEST(DecodeApprovalTest, EveryTruncationIsRefused) {
  for (const Approval& approval : Samples()) {
    const Bytes contents = Must(EncodeApproval(approval));
    for (size_t size = 0; size < contents.size(); size++) {
      EXPECT_THAT(DecodeApproval(ByteView(contents).first(size)), FailsWith(Errc::kBadKeyFile))
          << size;
    }
  }
}

/// Only what asserts nothing may change: which PCRs are learnt, and the beginnings for people.
TEST(DecodeApprovalTest, NoChangedByteMakesItAnotherApproval) {
  for (const Approval& approval : Samples()) {
    const Bytes contents = Must(EncodeApproval(approval));
    for (size_t i = 0; i < contents.size(); i++) {
      for (uint8_t change : {0x01, 0x80, 0xff}) {
        Bytes changed = contents;
        changed[i] ^= change;
        Result<Approval> decoded = DecodeApproval(changed);
        if (decoded) {
          EXPECT_EQ(DigestOf(*decoded), DigestOf(approval)) << i;
        } else {
          EXPECT_THAT(decoded, FailsWith(Errc::kBadKeyFile)) << i;
        }
      }
    }
  }
}

TEST(DecodeApprovalTest, WhatWasNeverWrittenOrIsOfAnotherVersionIsRefused) {
  EXPECT_THAT(DecodeApproval(Bytes(kPolicyIndexSize)), FailsWith(Errc::kBadKeyFile));
  EXPECT_THAT(DecodeApproval(Bytes(kPolicyIndexSize, 0xff)), FailsWith(Errc::kBadKeyFile));
  Bytes contents = Must(EncodeApproval(SampleApproval()));
  contents[2 + sizeof(Sha256Digest)] = 2;
  EXPECT_THAT(DecodeApproval(contents), FailsWith(Errc::kBadKeyFile, "that this version knows"));
}

TEST(ApprovalDigestTest, EveryCombinationOfPartsIsAnother) {
  std::set<Sha256Digest> digests;
  for (unsigned parts = 0; parts < 8; parts++) digests.insert(DigestOf(BranchOf(parts)));
  EXPECT_EQ(digests.size(), 8U);
}

class ApprovalTest : public SwtpmTest {
 protected:
  void SetUp() override {
    swtpm().PowerCycle();
    us_.emplace(swtpm().device());
    now_ = Must(ReadBootNumber(us_->tpm, ESYS_TR_NONE));
  }
  void TearDown() override { us_.reset(); }

  SealingTpm& us() { return *us_; }

  Branch BranchOfNow() { return us().ApprovalOfNow().branches[0]; }
  [[nodiscard]] Branch ThisBoot() const {
    return {.boots = BootLimit{.after = {now_.resets - 1, 0}, .last = now_.resets}};
  }
  [[nodiscard]] Branch NextBoot() const {
    return {.boots = BootLimit{.after = now_, .last = now_.resets + 1}};
  }
  static Branch OtherPcrs() { return {.pcrs = SamplePcrPolicy()}; }

  struct Outcome {
    Result<size_t> branch;
    Bytes digest;
  };
  Outcome Assert(const std::vector<Branch>& branches) {
    TpmObject session = Must(StartPolicySession(us().tpm, us().parent));
    Result<size_t> branch = AssertApproval(us().tpm, session.tr(), {.branches = branches}, {});
    return {std::move(branch), us().DigestIn(session)};
  }

  /// Expects that branch NUMBER is the one by which BRANCHES hold.
  void ExpectHolds(const std::vector<Branch>& branches, size_t number) {
    Outcome outcome = Assert(branches);
    EXPECT_THAT(outcome.branch, Yields(number));
    EXPECT_EQ(outcome.digest, Copy(DigestOf(Approval{.branches = branches})));
  }

 private:
  std::optional<SealingTpm> us_;
  BootNumber now_;
};

TEST_F(ApprovalTest, TheSoftwareDigestOfEachPartIsTheTpms) {
  ExpectHolds({BranchOfNow()}, 0);
  ExpectHolds({ThisBoot()}, 0);
  Branch both = ThisBoot();
  both.pcrs = BranchOfNow().pcrs;
  ExpectHolds({both}, 0);
}

TEST_F(ApprovalTest, TheSoftwareDigestOfTwoToEightAlternativesIsTheTpms) {
  for (size_t count = 2; count <= kMostBranches; count++) {
    std::vector<Branch> branches(count, NextBoot());
    branches.back() = BranchOfNow();
    ExpectHolds(branches, count - 1);
    std::swap(branches.front(), branches.back());
    ExpectHolds(branches, 0);
  }
}

/// What one that does not hold has left in the session does not count for the next.
TEST_F(ApprovalTest, TheFirstThatHoldsIsTaken) {
  Branch half = BranchOfNow();
  half.boots = NextBoot().boots;
  Branch other_half = OtherPcrs();
  other_half.boots = ThisBoot().boots;
  ExpectHolds({OtherPcrs(), NextBoot(), half, other_half, BranchOfNow(), ThisBoot()}, 4);
  ExpectHolds({ThisBoot(), BranchOfNow()}, 0);
}

TEST_F(ApprovalTest, AllPartsOfABranchMustHold) {
  Branch wrong_boot = BranchOfNow();
  wrong_boot.boots = NextBoot().boots;
  EXPECT_THAT(Assert({wrong_boot}).branch, FailsWith(Errc::kPolicyMismatch, "by its number"));
  Branch wrong_pcrs = OtherPcrs();
  wrong_pcrs.boots = ThisBoot().boots;
  EXPECT_THAT(Assert({wrong_pcrs}).branch, FailsWith(Errc::kPolicyMismatch, "PCR 7, 11"));
}

TEST_F(ApprovalTest, WhenNoneHoldsTheFirstSaysWhy) {
  Branch changed = BranchOfNow();
  ExtendPcr(us().tpm, 8, Sha256Bank());
  EXPECT_THAT(Assert({changed, NextBoot()}).branch,
              FailsWith(Errc::kPolicyMismatch, "; PCR 8 (sha256) differs"));
  EXPECT_THAT(Assert({NextBoot(), changed}).branch,
              FailsWith(Errc::kPolicyMismatch, "by its number"));
  Branch unsigned_pcrs = {.signed_pcrs = SampleSigned()};
  EXPECT_THAT(Assert({unsigned_pcrs, changed}).branch, FailsWith(Errc::kNoSignature));
}

TEST_F(ApprovalTest, WhatDoesNotHoldLeavesNothingInTheSession) {
  EXPECT_EQ(Assert({NextBoot(), OtherPcrs()}).digest, Bytes(32));
}

}  // namespace
}  // namespace nvunlock
