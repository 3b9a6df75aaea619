// SPDX-License-Identifier: Apache-2.0
// Sealed objects that want a PIN's authorization value.
#include <gtest/gtest.h>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/recording_proxy.h"
#include "test/unit/support/sealing_tpm.h"
#include "tpm/lockout.h"

namespace nvunlock {
namespace {

class SealedObjectWithPinTest : public SwtpmTest {
 protected:
  void SetUp() override {
    swtpm().RunTools(
        "tpm2_dictionarylockout -Q -c\ntpm2_dictionarylockout -Q -s -n 32 -t 1000 -l 1000");
    us_.emplace(swtpm().device());
    policy_ = us().PolicyOfNow();
    policy_.pin = true;
  }
  void TearDown() override { us_.reset(); }

  SealingTpm& us() { return *us_; }

  SealedObject SealWith(const Secret& auth_value) {
    return Must(Seal(us().tpm, us().parent, secret_, policy_, &auth_value));
  }

  Result<Secret> Open(const SealedObject& sealed, const Secret& auth_value) {
    return OpenUnder(policy_, sealed, &auth_value);
  }
  Result<Secret> OpenUnder(const Policy& policy, const SealedObject& sealed,
                           const Secret* auth_value) {
    PolicyNeeds needs = {.auth_value = auth_value};
    return std::move(TRY(Unseal(us().tpm, us().parent, sealed, policy, needs)).secret);
  }

  static TPMA_OBJECT AttributesOf(const SealedObject& sealed) {
    return Must(UnmarshalPublic(sealed.public_area)).publicArea.objectAttributes;
  }

  const Secret secret_ = SampleSecret(32, 0x60);
  Policy policy_;

 private:
  std::optional<SealingTpm> us_;
};

TEST_F(SealedObjectWithPinTest, TheRightValueOpensIt) {
  for (size_t size : {1, 16, 32}) {
    EXPECT_TRUE(Must(Open(SealWith(SampleSecret(size)), SampleSecret(size))).Equals(secret_))
        << size;
  }
}

/// TPMs drop zeros at the end of authorization values.
TEST_F(SealedObjectWithPinTest, AValueThatEndsWithZerosOpensIt) {
  for (size_t zeros : {1, 2, 31}) {
    Bytes value(32, 0x55);
    std::fill_n(value.rbegin(), zeros, 0);
    EXPECT_TRUE(Must(Open(SealWith(SecretOf(value)), SecretOf(value))).Equals(secret_)) << zeros;
  }
}

TEST_F(SealedObjectWithPinTest, AWrongValueIsAWrongPinAndCountsAsAGuess) {
  SealedObject sealed = SealWith(SampleSecret(32));
  unsigned before = Must(ReadLockoutState(us().tpm)).tries_left;
  EXPECT_THAT(Open(sealed, SampleSecret(32, 2)), FailsWith(Errc::kWrongPin));
  EXPECT_EQ(Must(ReadLockoutState(us().tpm)).tries_left, before - 1);
  EXPECT_TRUE(Must(Open(sealed, SampleSecret(32))).Equals(secret_));
}

TEST_F(SealedObjectWithPinTest, NoValueAtAllDoesNotOpenIt) {
  SealedObject sealed = SealWith(SampleSecret(32));
  EXPECT_THAT(OpenUnder(policy_, sealed, nullptr), FailsWith(Errc::kWrongPin));
}

TEST_F(SealedObjectWithPinTest, ThePolicyWithoutItsPinDoesNotOpenIt) {
  Secret value = SampleSecret(32);
  SealedObject sealed = SealWith(value);
  Policy without = policy_;
  without.pin = false;
  EXPECT_THAT(OpenUnder(without, sealed, nullptr), FailsWith(Errc::kPolicyMismatch));
  EXPECT_THAT(OpenUnder(without, sealed, &value), FailsWith(Errc::kPolicyMismatch));
}

TEST_F(SealedObjectWithPinTest, ChangedPcrsKeepItClosedAndAreNoGuess) {
  Secret value = SampleSecret(32);
  SealedObject sealed = SealWith(value);
  ExtendPcr(us().tpm, 8, Sha256Bank());
  unsigned before = Must(ReadLockoutState(us().tpm)).tries_left;
  EXPECT_THAT(Open(sealed, value), FailsWith(Errc::kPolicyMismatch));
  EXPECT_EQ(Must(ReadLockoutState(us().tpm)).tries_left, before);
}

TEST_F(SealedObjectWithPinTest, OnlyWithAPinDoGuessesCount) {
  EXPECT_EQ(AttributesOf(SealWith(SampleSecret(32))),
            TPMA_OBJECT{TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT});
  EXPECT_NE(AttributesOf(us().SealUnder(us().PolicyOfNow(), secret_)) & TPMA_OBJECT_NODA, 0U);
}

TEST_F(SealedObjectWithPinTest, StaysClosedWithoutItsPolicyWhichIsNoGuess) {
  SealedObject sealed = SealWith(SampleSecret(32));
  unsigned before = Must(ReadLockoutState(us().tpm)).tries_left;
  EXPECT_THAT(ProveClosedWithoutPolicy(us().tpm, us().parent, sealed), Succeeds());
  EXPECT_EQ(Must(ReadLockoutState(us().tpm)).tries_left, before);
}

TEST_F(SealedObjectWithPinTest, MoreThan32BytesAreRefused) {
  Secret value = SampleSecret(33);
  EXPECT_THAT(Seal(us().tpm, us().parent, secret_, policy_, &value),
              FailsWith(Errc::kFailed, "32 bytes"));
}

TEST(SealedObjectOnTheBusTest, TheValueIsNotSeenOnTheBus) {
  Swtpm swtpm;
  RecordingProxy proxy(swtpm);
  const Secret value = SampleSecret(32);
  {
    SealingTpm us(proxy.device());
    Policy policy = us.PolicyOfNow();
    policy.pin = true;
    SealedObject sealed = Must(Seal(us.tpm, us.parent, SampleSecret(32, 0x60), policy, &value));
    EXPECT_THAT(Unseal(us.tpm, us.parent, sealed, policy, {.auth_value = &value}), Succeeds());
  }
  EXPECT_FALSE(ContainsBytes(proxy.traffic(), value.bytes()));
  EXPECT_FALSE(ContainsBytes(proxy.traffic(), SampleSecret(32, 0x60).bytes()));
}

}  // namespace
}  // namespace nvunlock
