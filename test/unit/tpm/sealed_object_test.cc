// SPDX-License-Identifier: Apache-2.0
#include "tpm/sealed_object.h"

#include <gtest/gtest.h>

#include <optional>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/sealing_tpm.h"
#include "test/unit/support/swtpm.h"

namespace nvunlock {
namespace {

using testing::AnyOf;

class SealedObjectTest : public SwtpmTest {
 protected:
  void SetUp() override {
    us_.emplace(swtpm().device());
    policy_ = us().PolicyOfNow();
  }
  void TearDown() override { us_.reset(); }

  SealingTpm& us() { return *us_; }

  Result<Secret> Open(const SealedObject& sealed) {
    return std::move(TRY(Unseal(us().tpm, us().parent, sealed, policy_)).secret);
  }

  SealedObject SealNow(const Secret& secret) { return us().SealUnder(policy_, secret); }

  Policy policy_;

 private:
  std::optional<SealingTpm> us_;
};

TEST_F(SealedObjectTest, WhatWasSealedComesOut) {
  for (size_t size : {1, 32, 128}) {
    Secret secret = SampleSecret(size);
    EXPECT_TRUE(Must(Open(SealNow(secret))).Equals(secret)) << size;
  }
}

TEST_F(SealedObjectTest, MoreThan128BytesAreRefused) {
  EXPECT_THAT(Seal(us().tpm, us().parent, SampleSecret(129), policy_),
              FailsWith(Errc::kFailed, "128"));
}

TEST_F(SealedObjectTest, OnlyThePolicyOpensItAndOnlyInThisTpm) {
  TPM2B_PUBLIC object = Must(UnmarshalPublic(SealNow(SampleSecret(32)).public_area));
  EXPECT_EQ(object.publicArea.objectAttributes,
            TPMA_OBJECT{TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA});
  Sha256Digest policy = PolicyDigest(policy_);
  const TPM2B_DIGEST& auth_policy = object.publicArea.authPolicy;
  EXPECT_EQ(Bytes(auth_policy.buffer, auth_policy.buffer + auth_policy.size), Copy(policy));
}

TEST_F(SealedObjectTest, StaysClosedWhenAPcrIsExtended) {
  SealedObject sealed = SealNow(SampleSecret(32));
  ExtendPcr(us().tpm, 8, Sha256Bank());
  EXPECT_THAT(Open(sealed), FailsWith(Errc::kPolicyMismatch, "PCR 8 (sha256) differs"));
}

TEST_F(SealedObjectTest, StaysClosedUnderAPolicyThatHoldsButIsNotItsOwn) {
  SealedObject sealed = SealNow(SampleSecret(32));
  Policy other = us().PolicyOfNow(1U << 16);
  EXPECT_THAT(Unseal(us().tpm, us().parent, sealed, other), FailsWith(Errc::kPolicyMismatch));
}

TEST_F(SealedObjectTest, OtherPcrsMayChange) {
  Secret secret = SampleSecret(32);
  SealedObject sealed = SealNow(secret);
  ExtendPcr(us().tpm, 10, Sha256Bank());
  EXPECT_TRUE(Must(Open(sealed)).Equals(secret));
}

TEST_F(SealedObjectTest, NoChangedByteOfThePublicAreaIsAccepted) {
  const SealedObject sealed = SealNow(SampleSecret(32));
  for (size_t i = 0; i < sealed.public_area.size(); i++) {
    SealedObject changed = sealed;
    changed.public_area[i] ^= 0x01;
    EXPECT_THAT(Open(changed), AnyOf(FailsWith(Errc::kWrongTpm), FailsWith(Errc::kBadKeyFile)))
        << i;
  }
}

TEST_F(SealedObjectTest, NoChangedByteOfThePrivateAreaIsAccepted) {
  const SealedObject sealed = SealNow(SampleSecret(32));
  for (size_t i = 0; i < sealed.private_area.size(); i++) {
    SealedObject changed = sealed;
    changed.private_area[i] ^= 0x01;
    EXPECT_THAT(Open(changed), AnyOf(FailsWith(Errc::kWrongTpm), FailsWith(Errc::kBadKeyFile)))
        << i;
  }
}

TEST_F(SealedObjectTest, ATruncatedOneIsABadKeyFile) {
  const SealedObject sealed = SealNow(SampleSecret(32));
  for (size_t size = 0; size < sealed.private_area.size(); size++) {
    SealedObject cut = sealed;
    cut.private_area.resize(size);
    EXPECT_THAT(Open(cut), FailsWith(Errc::kBadKeyFile)) << size;
  }
}

TEST_F(SealedObjectTest, HalvesOfTwoObjectsDoNotFit) {
  SealedObject one = SealNow(SampleSecret(32));
  SealedObject other = SealNow(SampleSecret(32, 9));
  EXPECT_THAT(Open({one.public_area, other.private_area}), FailsWith(Errc::kWrongTpm));
}

TEST_F(SealedObjectTest, AnotherTpmCannotOpenIt) {
  SealedObject sealed = SealNow(SampleSecret(32));
  Swtpm other_swtpm;
  SealingTpm other(other_swtpm.device());
  EXPECT_THAT(Unseal(other.tpm, other.parent, sealed, policy_), FailsWith(Errc::kWrongTpm));
}

TEST_F(SealedObjectTest, AnotherTpmIsNoticedByThePinnedParent) {
  SealedObject sealed = SealNow(SampleSecret(32));
  Swtpm other_swtpm;
  SealingTpm other(other_swtpm.device());
  ESYS_TR our_parent = Must(PinParent(other.tpm, kSrkHandle, us().srk));
  EXPECT_THAT(Unseal(other.tpm, our_parent, sealed, policy_), FailsWith(Errc::kWrongTpm));
}

TEST_F(SealedObjectTest, AParentThatIsNotThereIsAWrongTpm) {
  SealedObject sealed = SealNow(SampleSecret(32));
  ESYS_TR nowhere = Must(PinParent(us().tpm, 0x81000077, us().srk));
  EXPECT_THAT(Unseal(us().tpm, nowhere, sealed, policy_), FailsWith(Errc::kWrongTpm));
}

TEST_F(SealedObjectTest, ManyUnsealsLeaveNothingBehind) {
  SealedObject sealed = SealNow(SampleSecret(32));
  for (int i = 0; i < 20; i++) ASSERT_THAT(Open(sealed), Succeeds()) << i;
  Policy mismatch = us().MakePolicy(SampleApproval());
  for (int i = 0; i < 20; i++) {
    ASSERT_THAT(Unseal(us().tpm, us().parent, sealed, mismatch), FailsWith(Errc::kPolicyMismatch));
  }
  EXPECT_THAT(Open(sealed), Succeeds());
}

TEST(RsaSealedObjectTest, WhatWasSealedComesOutUnderAnRsaParent) {
  Swtpm swtpm;
  swtpm.RunTools(
      "tpm2_createprimary -Q -C o -g sha256 -G rsa2048 -c srk.ctx -a "
      "'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt|noda'\n"
      "tpm2_evictcontrol -Q -C o -c srk.ctx 0x81000001");
  SealingTpm us(swtpm.device());
  ASSERT_EQ(us.srk.publicArea.type, TPM2_ALG_RSA);
  Secret secret = SampleSecret(32);
  Policy policy = us.PolicyOfNow();
  SealedObject sealed = us.SealUnder(policy, secret);
  EXPECT_TRUE(Must(Unseal(us.tpm, us.parent, sealed, policy)).secret.Equals(secret));
}

}  // namespace
}  // namespace nvunlock
