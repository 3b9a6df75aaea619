// SPDX-License-Identifier: Apache-2.0
#include "tpm/policy.h"

#include <gmock/gmock.h>

#include <set>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/nv_indexes.h"
#include "test/unit/support/recording_proxy.h"
#include "test/unit/support/sealing_tpm.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;

class CombinedPolicyTest : public SwtpmTest {
 protected:
  static Result<AssertedBranch> Assert(SealingTpm& us, const Policy& policy) {
    TpmObject session = Must(StartPolicySession(us.tpm, us.parent));
    return AssertPolicy(us.tpm, session.tr(), policy, {});
  }

  /// Of two branches of which only the second holds, now.
  static Approval SecondHolds(SealingTpm& us) {
    Approval approval = us.ApprovalOfNow();
    approval.branches.insert(approval.branches.begin(), SampleApproval().branches[0]);
    return approval;
  }
};

TEST_F(CombinedPolicyTest, TheSoftwareDigestIsTheTpmsWithAndWithoutAPin) {
  SealingTpm us(swtpm().device());
  Policy policy = us.PolicyOfNow();
  for (bool pin : {false, true}) {
    policy.pin = pin;
    TpmObject session = Must(StartPolicySession(us.tpm, us.parent));
    Must(AssertPolicy(us.tpm, session.tr(), policy, {}));
    EXPECT_EQ(us.DigestIn(session), Copy(PolicyDigest(policy))) << pin;
  }
}

TEST_F(CombinedPolicyTest, TheDigestIsTheSameWhateverIsApproved) {
  SealingTpm us(swtpm().device());
  Policy policy = us.PolicyOfNow();
  Sha256Digest before = PolicyDigest(policy);
  us.Approve(policy.index, SecondHolds(us));
  TpmObject session = Must(StartPolicySession(us.tpm, us.parent));
  EXPECT_EQ(Must(AssertPolicy(us.tpm, session.tr(), policy, {})).branch, 1U);
  EXPECT_EQ(us.DigestIn(session), Copy(before));
}

TEST_F(CombinedPolicyTest, EveryPartMakesAnotherPolicy) {
  SealingTpm us(swtpm().device());
  Policy one = us.PolicyOfNow();
  Policy other = us.PolicyOfNow();
  std::set<Sha256Digest> digests;
  for (const PolicyIndex* index : {&one.index, &other.index}) {
    for (const NvLatch* latch : {&one.latch, &other.latch}) {
      for (bool pin : {false, true}) digests.insert(PolicyDigest({*index, *latch, pin}));
    }
  }
  EXPECT_EQ(digests.size(), 8U);
}

TEST_F(CombinedPolicyTest, ItIsSaidByWhichBranchOfWhatItHeld) {
  SealingTpm us(swtpm().device());
  Policy policy = us.MakePolicy(SecondHolds(us));
  AssertedBranch asserted = Must(Assert(us, policy));
  EXPECT_EQ(asserted.branch, 1U);
  EXPECT_EQ(DigestOf(asserted.approval), DigestOf(SecondHolds(us)));
}

TEST_F(CombinedPolicyTest, WhatIsApprovedAnewHoldsAndWhatWasBeforeDoesNot) {
  SealingTpm us(swtpm().device());
  Policy policy = us.PolicyOfNow();
  ExtendPcr(us.tpm, 8, Sha256Bank());
  EXPECT_THAT(Assert(us, policy), FailsWith(Errc::kPolicyMismatch, "PCR 8 (sha256) differs"));
  us.Approve(policy.index, us.ApprovalOfNow());
  EXPECT_THAT(Assert(us, policy), Succeeds());
  us.Approve(policy.index, SampleApproval());
  EXPECT_THAT(Assert(us, policy), FailsWith(Errc::kPolicyMismatch));
}

TEST_F(CombinedPolicyTest, ThePcrsAreSaidToDifferBeforeTheLatchIsSaidToBeClosed) {
  SealingTpm us(swtpm().device());
  Policy policy = us.MakePolicy(SampleApproval());
  Must(CloseNvLatch(us.tpm, us.parent, policy.latch));
  EXPECT_THAT(Assert(us, policy), FailsWith(Errc::kPolicyMismatch));
  us.Approve(policy.index, us.ApprovalOfNow());
  EXPECT_THAT(Assert(us, policy), FailsWith(Errc::kLatchClosed));
}

/// Whoever has the update key, as root of the booted system, can make the index anew. That must not
/// open what the latch has closed in this boot.
TEST_F(CombinedPolicyTest, MakingBothIndexesAnewDoesNotOpenTheLatch) {
  SealingTpm us(swtpm().device());
  const Policy policy = us.PolicyOfNow();
  SealedObject sealed = us.SealUnder(policy, SampleSecret(32));
  Must(CloseNvLatch(us.tpm, us.parent, policy.latch));
  for (const TPM2B_NV_PUBLIC* index : {&policy.index.area, &policy.latch.index}) {
    UndefineIndex(us.tpm, index->nvPublic.nvIndex);
    Must(RedefineIndex(us.tpm, *index));
  }
  us.Approve(policy.index, us.ApprovalOfNow());
  EXPECT_THAT(Assert(us, policy), FailsWith(Errc::kLatchGone));
  EXPECT_THAT(Unseal(us.tpm, us.parent, sealed, policy), FailsWith(Errc::kLatchGone));
  EXPECT_THAT(WriteIndex(us.tpm, us.parent, policy.latch.index, us.key, policy.latch.value),
              testing::Not(Succeeds()));
  EXPECT_THAT(Unseal(us.tpm, us.parent, sealed, policy), FailsWith(Errc::kLatchGone));
}

/// The same with the policy index alone: the latch stays closed, and opens after a power cycle.
TEST_F(CombinedPolicyTest, MakingThePolicyIndexAnewDoesNotOpenTheLatch) {
  Policy policy;
  SealedObject sealed;
  {
    SealingTpm us(swtpm().device());
    policy = us.PolicyOfNow(1U << 16);
    sealed = us.SealUnder(policy, SampleSecret(32));
    Must(CloseNvLatch(us.tpm, us.parent, policy.latch));
    UndefineIndex(us.tpm, policy.index.area.nvPublic.nvIndex);
    EXPECT_THAT(Unseal(us.tpm, us.parent, sealed, policy), FailsWith(Errc::kLatchGone));
    Must(RedefineIndex(us.tpm, policy.index.area));
    us.Approve(policy.index, us.ApprovalOfNow(1U << 16));
    EXPECT_THAT(Unseal(us.tpm, us.parent, sealed, policy), FailsWith(Errc::kLatchClosed));
  }
  swtpm().PowerCycle();
  SealingTpm us(swtpm().device());
  EXPECT_THAT(Unseal(us.tpm, us.parent, sealed, policy), Succeeds());
}

TEST_F(CombinedPolicyTest, TheCommandsOfAnAssertion) {
  Policy one;
  Policy second;
  {
    SealingTpm us(swtpm().device());
    one = us.PolicyOfNow();
    second = us.MakePolicy(SecondHolds(us));
  }
  auto commands = [&](const Policy& policy) {
    RecordingProxy proxy(swtpm());
    {
      Tpm tpm = Must(Tpm::Connect(proxy.device()));
      TpmObject session = Must(StartSession(tpm, ESYS_TR_NONE, TPM2_SE_POLICY, 0));
      Must(AssertPolicy(tpm, session.tr(), policy, {}));
    }
    std::vector<uint32_t> all = proxy.commands();
    return std::vector<uint32_t>(std::find(all.begin(), all.end(), TPM2_CC_NV_Read), all.end());
  };
  EXPECT_THAT(commands(one), ElementsAre(TPM2_CC_NV_Read, TPM2_CC_PolicyPCR,
                                         TPM2_CC_PolicyAuthorizeNV, TPM2_CC_PolicyNV));
  // The branch that does not hold: a refusal, its explanation, and a new start.
  EXPECT_THAT(commands(second),
              ElementsAre(TPM2_CC_NV_Read, TPM2_CC_PolicyPCR, TPM2_CC_PCR_Read,
                          TPM2_CC_PolicyRestart, TPM2_CC_PolicyPCR, TPM2_CC_PolicyOR,
                          TPM2_CC_PolicyAuthorizeNV, TPM2_CC_PolicyNV));
}

}  // namespace
}  // namespace nvunlock
