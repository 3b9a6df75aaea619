// SPDX-License-Identifier: Apache-2.0
#include "src/seal/unseal.h"

#include <gtest/gtest.h>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/sealing_tpm.h"
#include "tpm/session.h"

namespace nvunlock {
namespace {

class UnsealKekTest : public SwtpmTest {
 protected:
  UnsealKekTest() : us_(swtpm().device()) {}

  TpmSlot MakeSlot(const Secret& kek) {
    Secret slot_secret = SampleSecret(kSlotSecretSize, 0xa0);
    Policy policy = us_.PolicyOfNow();
    SealedObject sealed = Must(Seal(us_.tpm, us_.parent, slot_secret, policy));
    Bytes kek_cms = Must(EncryptKekForSlot(kek, slot_secret, sealed));
    return {.key = {.parent_handle = kSrkHandle, .sealed = sealed, .policy = policy},
            .parent = us_.srk,
            .kek_cms = kek_cms,
            .scrypt = std::nullopt};
  }

  static KeyFile MakeFile(std::vector<TpmSlot> slots) {
    return {.kek = {"user", "nvdimm-master"},
            .check_value = Must(KekCheckValue(SampleSecret(32))),
            .slots = std::move(slots)};
  }

  SealingTpm us_;
};

TEST_F(UnsealKekTest, YieldsTheKekOfTheFile) {
  for (size_t size : {1, 32, 128, 4096}) {
    Secret kek = SampleSecret(size);
    KeyFile file = MakeFile({MakeSlot(kek)});
    file.check_value = Must(KekCheckValue(kek));
    EXPECT_TRUE(Must(UnsealKek(us_.tpm, file)).kek.Equals(kek)) << size;
  }
}

TEST_F(UnsealKekTest, TriesSlotsUntilOneOpens) {
  TpmSlot stale = MakeSlot(SampleSecret(32));
  ExtendPcr(us_.tpm, 8, Sha256Bank());
  TpmSlot foreign = MakeSlot(SampleSecret(32));
  foreign.key.parent_handle = 0x81000077;
  KeyFile file = MakeFile({stale, foreign, MakeSlot(SampleSecret(32))});
  EXPECT_TRUE(Must(UnsealKek(us_.tpm, file)).kek.Equals(SampleSecret(32)));
}

TEST_F(UnsealKekTest, WhenNoneOpensTheFirstSaysWhy) {
  TpmSlot stale = MakeSlot(SampleSecret(32));
  TpmSlot foreign = MakeSlot(SampleSecret(32));
  foreign.key.parent_handle = 0x81000077;
  ExtendPcr(us_.tpm, 8, Sha256Bank());
  EXPECT_THAT(UnsealKek(us_.tpm, MakeFile({stale, foreign})),
              FailsWith(Errc::kPolicyMismatch, "user:nvdimm-master: "));
  EXPECT_THAT(UnsealKek(us_.tpm, MakeFile({foreign, stale})), FailsWith(Errc::kWrongTpm));
}

TEST_F(UnsealKekTest, AMismatchNamesThePcrsThatDiffer) {
  KeyFile file = MakeFile({MakeSlot(SampleSecret(32))});
  ExtendPcr(us_.tpm, 8, Sha256Bank());
  EXPECT_THAT(UnsealKek(us_.tpm, file),
              FailsWith(Errc::kPolicyMismatch, "; PCR 8 (sha256) differs"));
  ExtendPcr(us_.tpm, 7, Sha256Bank());
  EXPECT_THAT(UnsealKek(us_.tpm, file), FailsWith(Errc::kPolicyMismatch, "; PCR 7, 8 (sha256)"));
}

TEST_F(UnsealKekTest, ItIsSaidByWhichApprovalItOpened) {
  KeyFile file = MakeFile({MakeSlot(SampleSecret(32))});
  Approval approval = us_.ApprovalOfNow();
  approval.branches.insert(approval.branches.begin(), SampleApproval().branches[0]);
  us_.Approve(file.slots[0].key.policy.index, approval);
  AssertedBranch by = Must(UnsealKek(us_.tpm, file)).by;
  EXPECT_EQ(by.branch, 1U);
  EXPECT_EQ(DigestOf(by.approval), DigestOf(approval));
}

TEST_F(UnsealKekTest, AKekThatFailsTheCheckIsABadKeyFile) {
  KeyFile file = MakeFile({MakeSlot(SampleSecret(32, 2))});
  EXPECT_THAT(UnsealKek(us_.tpm, file), FailsWith(Errc::kBadKeyFile, "kek-check"));
}

TEST_F(UnsealKekTest, RandomSecretsAreOfTheSizeAskedForAndDiffer) {
  TpmObject session = Must(StartHmacSession(us_.tpm, us_.parent));
  Secret one = Must(MakeRandomSecret(us_.tpm, session.tr(), 32));
  Secret other = Must(MakeRandomSecret(us_.tpm, session.tr(), 32));
  EXPECT_EQ(one.size(), 32U);
  EXPECT_FALSE(one.Equals(other));
}

}  // namespace
}  // namespace nvunlock
