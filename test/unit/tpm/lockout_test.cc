// SPDX-License-Identifier: Apache-2.0
#include "tpm/lockout.h"

#include <gmock/gmock.h>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/sealing_tpm.h"

namespace nvunlock {
namespace {

using testing::HasSubstr;
using testing::Not;

class LockoutTest : public testing::Test {
 protected:
  void SetUp() override { swtpm_.RunTools("tpm2_dictionarylockout -Q -s -n 5 -t 777 -l 888"); }

  static void GuessWrong(SealingTpm& us) {
    Policy policy = us.PolicyOfNow();
    policy.pin = true;
    Secret right = SampleSecret(32);
    Secret wrong = SampleSecret(32, 2);
    SealedObject sealed = Must(Seal(us.tpm, us.parent, SampleSecret(16), policy, &right));
    EXPECT_THAT(Unseal(us.tpm, us.parent, sealed, policy, {.auth_value = &wrong}),
                FailsWith(Errc::kWrongPin));
  }

  Swtpm swtpm_;
};

TEST_F(LockoutTest, EveryWrongAuthorizationCounts) {
  SealingTpm us(swtpm_.device());
  EXPECT_EQ(Must(ReadLockoutState(us.tpm)).seconds_for_a_try, 777U);
  for (unsigned left : {5, 4, 3, 2, 1}) {
    EXPECT_EQ(Must(ReadLockoutState(us.tpm)).tries_left, left);
    GuessWrong(us);
  }
  EXPECT_EQ(Must(ReadLockoutState(us.tpm)).tries_left, 0U);
}

TEST_F(LockoutTest, InLockoutNotEvenTheRightPinOpens) {
  SealingTpm us(swtpm_.device());
  Policy policy = us.PolicyOfNow();
  policy.pin = true;
  Secret right = SampleSecret(32);
  SealedObject sealed = Must(Seal(us.tpm, us.parent, SampleSecret(16), policy, &right));
  for (int i = 0; i < 5; i++) GuessWrong(us);
  EXPECT_THAT(Unseal(us.tpm, us.parent, sealed, policy, {.auth_value = &right}),
              FailsWith(Errc::kLockout));
}

/// A power cut in the middle of an unseal is no guess.
TEST_F(LockoutTest, InLockoutWhatHasNoPinStillOpens) {
  SealingTpm us(swtpm_.device());
  Policy policy = us.PolicyOfNow();
  SealedObject sealed = us.SealUnder(policy, SampleSecret(16));
  for (int i = 0; i < 5; i++) GuessWrong(us);
  EXPECT_THAT(Unseal(us.tpm, us.parent, sealed, policy), Succeeds());
}

TEST(DescribeLockoutTest, TellsLockoutFromTheLastTryAndSaysWhenThereIsOneMore) {
  std::string in_lockout = DescribeLockout({.tries_left = 0, .seconds_for_a_try = 777});
  EXPECT_THAT(in_lockout, HasSubstr("is in dictionary attack lockout"));
  EXPECT_THAT(in_lockout, Not(HasSubstr("more and")));
  EXPECT_THAT(in_lockout, HasSubstr("777 seconds"));
  EXPECT_THAT(DescribeLockout({.tries_left = 1, .seconds_for_a_try = 777}),
              HasSubstr("one wrong PIN more and"));
}

}  // namespace
}  // namespace nvunlock
