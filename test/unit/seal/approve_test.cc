// SPDX-License-Identifier: Apache-2.0
#include "test/unit/support/approve_test.h"

#include "test/unit/support/recording_proxy.h"
#include "test/unit/support/signer.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

TEST_F(ApproveTest, ThisBootIsApprovedAndTheOneBeforeNot) {
  Hold();
  Extend(8);
  EXPECT_THAT(Open(), FailsWith(Errc::kPolicyMismatch));
  EXPECT_TRUE(Writes(kOnlyNow));
  ExpectOpens();
  ResetTo({7, 8});
  EXPECT_THAT(Open(), FailsWith(Errc::kPolicyMismatch, "PCR 8 (sha256) differs"));
}

TEST_F(ApproveTest, WhatIsApprovedAlreadyIsNotWrittenAndNeedsNoKey) {
  CloseTheLatch();
  for (const ApprovalChange& change : {kOnlyNow, kLearn, ApprovalChange{.revoke = true}}) {
    ApproveReport report = Must(Run(change));
    EXPECT_FALSE(report.written);
    EXPECT_THAT(report.approval.branches, SizeIs(1));
  }
  EXPECT_THAT(Run(kNextBoot), FailsWith(Errc::kLatchClosed));
}

TEST_F(ApproveTest, TheNextBootOpensWhateverItIsAndTheOneAfterDoesNot) {
  Hold();
  EXPECT_TRUE(Writes(kNextBoot));
  EXPECT_FALSE(Writes(kNextBoot));
  Extend(8);
  EXPECT_THAT(Open(), FailsWith(Errc::kPolicyMismatch)) << "this is not the next one";
  ResetTo({7});
  ExpectOpens();
  ResetTo({7});
  EXPECT_THAT(Open(), FailsWith(Errc::kPolicyMismatch));
  ResetTo({7, 8});
  ExpectOpens();
}

/// Firmware measures Secure Boot's state there.
TEST_F(ApproveTest, TheNextBootDoesNotOpenWithAnotherPcr7) {
  Hold();
  EXPECT_TRUE(Writes(kNextBoot));
  ResetTo({8});
  EXPECT_THAT(Open(), FailsWith(Errc::kPolicyMismatch));
}

TEST_F(ApproveTest, APowerCutCountsAsABoot) {
  Hold();
  EXPECT_TRUE(Writes({.next_boots = 3}));
  ResetTo({16});
  ResetTo({16});
  ResetTo({7});
  ExpectOpens();
  ResetTo({7});
  EXPECT_THAT(Open(), FailsWith(Errc::kPolicyMismatch));
}

TEST_F(ApproveTest, ABootThatIsLearntOpensFromThenOnAndSoDoesTheOneBefore) {
  Hold();
  EXPECT_TRUE(Writes(kNextBoot));
  ResetTo({7});
  Hold();
  EXPECT_TRUE(Writes(kLearn));
  ResetTo({7});
  ExpectOpens();
  ResetTo({7, 8});
  ExpectOpens();
  ResetTo({7, 8, 8});
  EXPECT_THAT(Open(), FailsWith(Errc::kPolicyMismatch));
}

TEST_F(ApproveTest, ARevokedBootDoesNotOpen) {
  Hold();
  EXPECT_TRUE(Writes(kNextBoot));
  EXPECT_TRUE(Writes({.revoke = true}));
  ResetTo({7});
  EXPECT_THAT(Open(), FailsWith(Errc::kPolicyMismatch));
}

TEST_F(ApproveTest, AnUpdateIsApprovedOnlyWhereItMatters) {
  Hold();
  ApprovalChange update = {.for_update = true, .next_boots = 1};
  EXPECT_TRUE(Writes({.only_now = true, .pcrs = Must(ParsePcrTerms("7")), .weak_policy = true}));
  ApproveReport report = Must(Run(update));
  EXPECT_FALSE(report.written);
  EXPECT_THAT(report.approval.branches, SizeIs(1));
  EXPECT_TRUE(Writes({.only_now = true, .pcrs = Must(ParsePcrTerms("8")), .weak_policy = true}));
  EXPECT_TRUE(Writes(update));
}

TEST_F(ApproveTest, SignedPcrsOpenForWhateverIsSigned) {
  Hold();
  Signer signer;
  auto sign = [&]() -> PcrSignatures {
    Tpm tpm = ConnectTo(swtpm());
    PcrValues values = Must(ReadPcrs(tpm, Sha256Bank(), 1U << 11));
    return {.keys = {signer.key()}, .signatures = {signer.Sign(values)}};
  };
  EXPECT_TRUE(Writes({.only_now = true, .signed_pcrs = SignedTerms{.key = signer.key()}}));
  EXPECT_THAT(File().signers, ElementsAre(signer.key()));
  EXPECT_THAT(Open(), FailsWith(Errc::kNoSignature));
  EXPECT_TRUE(Must(Open(sign())).Equals(kek_));
  PcrSignatures old = sign();
  Extend(11);
  EXPECT_THAT(Open(old), FailsWith(Errc::kNoSignature));
  EXPECT_TRUE(Must(Open(sign())).Equals(kek_));
}

TEST_F(ApproveTest, TheKeyFileChangesForASignerOnly) {
  Hold();
  const std::string before = ReadKeysFile("nvdimm-master.pem");
  EXPECT_TRUE(Writes(kNextBoot));
  EXPECT_EQ(ReadKeysFile("nvdimm-master.pem"), before);
  Signer signer;
  ApprovalChange change = {.signed_pcrs = SignedTerms{.key = signer.key()}};
  EXPECT_TRUE(Writes(change));
  EXPECT_FALSE(Writes(change));
  EXPECT_THAT(File().signers, ElementsAre(signer.key()));
  EXPECT_EQ(PolicyDigest(File().slots[0].key.policy),
            PolicyDigest(Must(ParseKeyFile(before)).slots[0].key.policy));
}

TEST_F(ApproveTest, WithoutAKeyFileOrATpmSlotThereIsNothingToApprove) {
  KeyFile file = File();
  file.recovery.push_back(Must(MakeKeySlot(kek_, SampleSecret(32))));
  file.slots.clear();
  WriteKeysFile("nvdimm-master.pem", Must(FormatKeyFile(file)));
  EXPECT_THAT(Run(kOnlyNow), FailsWith(Errc::kBadKeyFile, "no TPM slot"));
  EXPECT_THAT(Approve(environment_, {"user", "rack7"}, kOnlyNow, {}), FailsWith(Errc::kBadKeyFile));
}

TEST_F(ApproveTest, WhatIsApprovedIsReadInAnAnswerThatIsAuthentic) {
  EXPECT_EQ(FormatPcrs((**Approved()).pcrs), "7+8:sha256");
  const TpmSlot slot = File().slots[0];
  RecordingProxy proxy(swtpm(), [](uint32_t command, Bytes& response) {
    if (command == TPM2_CC_NV_Read) response.at(100) ^= 1;
  });
  Tpm tpm = Must(Tpm::Connect(proxy.device()));
  EXPECT_THAT(ReadApproval(tpm, slot), FailsWith(Errc::kWrongTpm, "not authentic"));
}

}  // namespace
}  // namespace nvunlock
