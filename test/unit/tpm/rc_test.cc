// SPDX-License-Identifier: Apache-2.0
#include "tpm/rc.h"

#include <gtest/gtest.h>
#include <tss2/tss2_esys.h>

#include "test/unit/support/results.h"

namespace nvunlock {
namespace {

Result<void> Failed(TSS2_RC rc) {
  return FailTpm("unseal", rc);
}

/// RC as a TPM says it of its second parameter, third handle or first session.
constexpr TSS2_RC OfParameter2(TSS2_RC rc) {
  return rc | TPM2_RC_P | TPM2_RC_2;
}
constexpr TSS2_RC OfHandle3(TSS2_RC rc) {
  return rc | TPM2_RC_3;
}
constexpr TSS2_RC OfSession1(TSS2_RC rc) {
  return rc | TPM2_RC_S | TPM2_RC_1;
}

TEST(WithoutPositionTest, TakesParameterHandleAndSessionNumbersAway) {
  EXPECT_EQ(WithoutPosition(TPM2_RC_VALUE), TSS2_RC{TPM2_RC_VALUE});
  EXPECT_EQ(WithoutPosition(OfParameter2(TPM2_RC_VALUE)), TSS2_RC{TPM2_RC_VALUE});
  EXPECT_EQ(WithoutPosition(OfHandle3(TPM2_RC_HANDLE)), TSS2_RC{TPM2_RC_HANDLE});
  EXPECT_EQ(WithoutPosition(OfSession1(TPM2_RC_POLICY_FAIL)), TSS2_RC{TPM2_RC_POLICY_FAIL});
  EXPECT_EQ(WithoutPosition(0x99d), TSS2_RC{TPM2_RC_POLICY_FAIL});
}

TEST(WithoutPositionTest, LeavesCodesWithoutAPositionAlone) {
  for (TSS2_RC rc : {TSS2_RC{TSS2_RC_SUCCESS}, TSS2_RC{TPM2_RC_LOCKOUT},
                     TSS2_RC{TPM2_RC_PCR_CHANGED}, TSS2_RC{TPM2_RC_REFERENCE_H0},
                     TSS2_RC{TSS2_TCTI_RC_IO_ERROR}, TSS2_RC{TSS2_ESYS_RC_RSP_AUTH_FAILED}}) {
    EXPECT_EQ(WithoutPosition(rc), rc);
  }
}

TEST(FailTpmTest, SaysWhatWasTriedTheCauseAndTheCode) {
  EXPECT_EQ(Failed(0x99d).error().message, "unseal: the policy does not hold (0x0000099d)");
}

TEST(FailTpmTest, AnotherTpmIsToldApart) {
  for (TSS2_RC rc : {OfParameter2(TPM2_RC_INTEGRITY), OfHandle3(TPM2_RC_HANDLE),
                     TSS2_RC{TPM2_RC_REFERENCE_H0}}) {
    EXPECT_THAT(Failed(rc), FailsWith(Errc::kWrongTpm));
  }
}

TEST(FailTpmTest, APolicyThatDoesNotHoldIsToldApart) {
  EXPECT_THAT(Failed(OfSession1(TPM2_RC_POLICY_FAIL)), FailsWith(Errc::kPolicyMismatch));
  EXPECT_THAT(Failed(TPM2_RC_PCR_CHANGED), FailsWith(Errc::kPcrsChanging, "in the middle"));
}

TEST(FailTpmTest, LockoutIsToldApart) {
  EXPECT_THAT(Failed(TPM2_RC_LOCKOUT), FailsWith(Errc::kLockout, "lockout"));
}

TEST(FailTpmTest, AMissingAuthorizationIsPutIntoWords) {
  for (TSS2_RC rc : {OfSession1(TPM2_RC_AUTH_FAIL), OfSession1(TPM2_RC_BAD_AUTH)}) {
    EXPECT_THAT(Failed(rc), FailsWith(Errc::kFailed, "authorization value (password)"));
  }
  for (TSS2_RC rc : {TSS2_RC{TPM2_RC_AUTH_UNAVAILABLE}, TSS2_RC{TPM2_RC_AUTH_TYPE}}) {
    EXPECT_THAT(Failed(rc), FailsWith(Errc::kFailed, "does not take this kind of authorization"));
  }
}

TEST(FailTpmTest, ATpmThatIsNotUpIsNotReady) {
  EXPECT_THAT(Failed(TPM2_RC_INITIALIZE), FailsWith(Errc::kTpmNotReady, "has not started"));
  EXPECT_THAT(Failed(TPM2_RC_FAILURE), FailsWith(Errc::kTpmNotReady, "failure mode"));
}

TEST(FailTpmTest, WhatTheOwnerMustAuthorizeIsToldApart) {
  auto failed = [](TSS2_RC rc) -> Result<void> { return FailTpmOwner("persist", rc); };
  for (TSS2_RC rc : {OfSession1(TPM2_RC_AUTH_FAIL), OfSession1(TPM2_RC_BAD_AUTH)}) {
    EXPECT_THAT(failed(rc), FailsWith(Errc::kOwnerPassword, "persist: the owner hierarchy"));
  }
  EXPECT_THAT(failed(TPM2_RC_LOCKOUT), FailsWith(Errc::kLockout, "persist: "));
}

TEST(FailTpmTest, ABrokenConnectionIsNoTpm) {
  EXPECT_THAT(Failed(TSS2_TCTI_RC_IO_ERROR), FailsWith(Errc::kTpmNotReady, "connection"));
  EXPECT_THAT(Failed(TSS2_TCTI_RC_NO_CONNECTION), FailsWith(Errc::kTpmNotReady, "connection"));
}

TEST(FailTpmTest, AHostileAnswerIsAWrongTpm) {
  EXPECT_THAT(Failed(TSS2_TCTI_RC_MALFORMED_RESPONSE), FailsWith(Errc::kWrongTpm, "malformed"));
  EXPECT_THAT(Failed(TSS2_SYS_RC_MALFORMED_RESPONSE), FailsWith(Errc::kWrongTpm, "malformed"));
  EXPECT_THAT(Failed(TSS2_ESYS_RC_RSP_AUTH_FAILED), FailsWith(Errc::kWrongTpm, "not authentic"));
}

TEST(FailTpmTest, EverythingElseStillShowsItsCode) {
  EXPECT_THAT(Failed(TPM2_RC_ATTRIBUTES), FailsWith(Errc::kFailed, "refused (0x00000082)"));
  EXPECT_THAT(Failed(TSS2_ESYS_RC_MEMORY), FailsWith(Errc::kFailed, "software stack failed"));
}

Result<int> CallThatAnswers(TSS2_RC rc) {
  TRY_TPM("call", rc);
  return 1;
}

TEST(TryTpmTest, ReturnsTheFailureFromTheCaller) {
  EXPECT_THAT(CallThatAnswers(TSS2_RC_SUCCESS), Yields(1));
  EXPECT_THAT(CallThatAnswers(TPM2_RC_LOCKOUT), FailsWith(Errc::kLockout, "call: "));
}

}  // namespace
}  // namespace nvunlock
