// SPDX-License-Identifier: Apache-2.0
#include "src/seal/plan_approval.h"

#include <gmock/gmock.h>

#include "src/records/record_pcrs.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/recording_proxy.h"
#include "test/unit/support/sealing_tpm.h"
#include "test/unit/support/signer.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

class PlanApprovalTest : public MachineTest {
 protected:
  [[nodiscard]] Result<ApprovalPlan> Plan(const PolicyTerms& terms) const {
    SealingTpm us(environment_.tpm_device);
    return PlanApproval(environment_, us.tpm, us.parent, terms);
  }

  [[nodiscard]] static PolicyTerms On(std::string_view pcrs, unsigned next_boots = 0) {
    return {.pcrs = Must(ParsePcrTerms(pcrs)), .weak_policy = true, .next_boots = next_boots};
  }

  void Record(bool in_initramfs) const {
    PcrRecord record = {.in_initramfs = in_initramfs, .banks = {{"sha256", {{9, Bytes(32, 9)}}}}};
    directory_.Write("run/nvunlock/pcrs.json", FormatPcrRecord(record));
  }

  static std::vector<std::string> Described(const Approval& approval) {
    std::vector<std::string> lines;
    for (const Branch& branch : approval.branches) lines.push_back(Describe(branch));
    return lines;
  }
};

TEST_F(PlanApprovalTest, ThisBootComesBeforeTheNextOnes) {
  ApprovalPlan plan = Must(Plan(On("7+8", 2)));
  EXPECT_THAT(Described(plan.approval),
              ElementsAre(StartsWith("PCR 7+8:sha256 ("), HasSubstr(", PCR 7:sha256 (")));
  EXPECT_THAT(Described(plan.approval)[1], StartsWith("boots "));
  EXPECT_EQ(FormatPcrs(plan.approval.pcrs), "7+8:sha256");
}

/// The image that is built next holds the key file: what it will measure is not known yet.
TEST_F(PlanApprovalTest, WhereThePcrsOfThisBootAreNotKnownTheNextOneIsApprovedAlone) {
  ApprovalPlan plan = Must(Plan(On("8+9", 1)));
  ASSERT_THAT(plan.approval.branches, SizeIs(1));
  EXPECT_TRUE(plan.approval.branches[0].boots);
  EXPECT_EQ(FormatPcrs(plan.approval.pcrs), "8+9:sha256");
}

TEST_F(PlanApprovalTest, WhatApprovesNoBootIsRefused) {
  EXPECT_THAT(Plan(On("8+9")), FailsWith(Errc::kFailed, "approve the next boot"));
}

TEST_F(PlanApprovalTest, TheNextBootIsCountedFromThisOne) {
  BootNumber now;
  {
    SealingTpm us(environment_.tpm_device);
    now = Must(NumberOfThisBoot(us.tpm, us.parent));
  }
  for (uint32_t count : {1, 3}) {
    std::optional<BootLimit> boots = Must(Plan(On("8", count))).approval.branches[1].boots;
    ASSERT_TRUE(boots);
    EXPECT_EQ(boots->after.resets, now.resets);
    EXPECT_EQ(boots->after.restarts, now.restarts);
    EXPECT_EQ(boots->last, now.resets + count);
  }
}

TEST(DescribeBranchTest, SaysWhichBootsAndWhichValues) {
  auto boots = [](uint32_t after, uint32_t last) {
    return Describe(Branch{.boots = BootLimit{.after = {after, 0}, .last = last}});
  };
  EXPECT_EQ(boots(11, 12), "boot 12");
  EXPECT_EQ(boots(11, 14), "boots 12 to 14");
  EXPECT_EQ(boots(11, 11), "no boot");
  EXPECT_EQ(Describe(Branch{.pcrs = SamplePcrPolicy()}),
            "PCR 7+11:sha256 (" + ToHex(SamplePcrPolicy().pcr_digest).substr(0, 12) + ")");
}

TEST_F(PlanApprovalTest, ARecordThatWasMadeLateIsNotedWhereItMatters) {
  Record(/*in_initramfs=*/false);
  EXPECT_THAT(Must(Plan(On("9"))).notes, ElementsAre(HasSubstr("in the running system")));
  EXPECT_THAT(Must(Plan(On("8"))).notes, SizeIs(0));
  Record(/*in_initramfs=*/true);
  EXPECT_THAT(Must(Plan(On("9"))).notes, SizeIs(0));
}

TEST_F(PlanApprovalTest, SignedPcrsStandAloneOrBesideOthers) {
  Signer signer;
  PolicyTerms terms = {.pcrs = {}, .signed_pcrs = SignedTerms{.key = signer.key()}};
  ApprovalPlan plan = Must(Plan(terms));
  std::string name = ToHex(NameOfKey(signer.key())).substr(4, 12);
  EXPECT_THAT(Described(plan.approval), ElementsAre("PCR 11:sha256 signed by key " + name));
  EXPECT_THAT(plan.notes, testing::Contains(HasSubstr("kernel command line of somebody else")));
  terms.pcrs = Must(ParsePcrTerms("7"));
  plan = Must(Plan(terms));
  EXPECT_THAT(Described(plan.approval),
              ElementsAre(StartsWith("PCR 11:sha256 signed by key " + name + ", PCR 7:sha256 (")));
  EXPECT_EQ(MaskOf(plan.approval.pcrs), 0U) << "alone they would say too little";
  EXPECT_THAT(plan.notes, Not(testing::Contains(HasSubstr("kernel command line"))));
}

TEST_F(PlanApprovalTest, TheNumberOfTheBootIsAuthentic) {
  const TPM2B_PUBLIC srk = SealingTpm(swtpm().device()).srk;
  RecordingProxy proxy(swtpm(), [](uint32_t command, Bytes& response) {
    if (command == TPM2_CC_ReadClock) response.back() ^= 1;
  });
  Tpm tpm = Must(Tpm::Connect(proxy.device()));
  ESYS_TR parent = Must(PinParent(tpm, kSrkHandle, srk));
  EXPECT_THAT(NumberOfThisBoot(tpm, parent), FailsWith(Errc::kWrongTpm, "not authentic"));
}

/// Somebody who chooses these values chooses what the next boot may be.
TEST_F(PlanApprovalTest, ThePcrsOfTheNextBootAreAuthentic) {
  const TPM2B_PUBLIC srk = SealingTpm(swtpm().device()).srk;
  RecordingProxy proxy(swtpm(), [](uint32_t command, Bytes& response) {
    if (command == TPM2_CC_PCR_Read) response.at(40) ^= 1;
  });
  Tpm tpm = Must(Tpm::Connect(proxy.device()));
  ESYS_TR parent = Must(PinParent(tpm, kSrkHandle, srk));
  EXPECT_THAT(PlanNextBoots(tpm, parent, SelectPcrs(Sha256Bank(), 1U << 7), 1),
              FailsWith(Errc::kWrongTpm, "not authentic"));
}

}  // namespace
}  // namespace nvunlock
