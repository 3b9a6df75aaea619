// SPDX-License-Identifier: Apache-2.0
#include "src/seal/unseal.h"

#include <gtest/gtest.h>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/sealing_tpm.h"
#include "tpm/session.h"

namespace nvunlock {
namespace {

constexpr uint32_t kBootPcrs = 1U << 7 | 1U << 8;

class UnsealKekTest : public SwtpmTest {
 protected:
  UnsealKekTest() : us_(swtpm().device()) {}

  TpmSlot MakeSlot(const Secret& kek) {
    Secret slot_secret = SampleSecret(kSlotSecretSize, 0xa0);
    PcrValues values = Must(ReadPcrs(us_.tpm, Sha256Bank(), kBootPcrs));
    Policy policy = {.pcrs = PolicyForValues(Sha256Bank(), values), .latch = std::nullopt};
    SealedObject sealed = Must(Seal(us_.tpm, us_.parent, slot_secret, policy));
    Bytes kek_cms = Must(EncryptKekForSlot(kek, slot_secret, sealed));
    return {.key = {.parent_handle = kSrkHandle, .sealed = sealed, .policy = policy},
            .parent = us_.srk,
            .kek_cms = kek_cms,
            .pcr_values = "7:sha256=" + ToHex(values[7]) + "+8:sha256=" + ToHex(values[8])};
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
    EXPECT_TRUE(Must(UnsealKek(us_.tpm, file)).Equals(kek)) << size;
  }
}

TEST_F(UnsealKekTest, TriesSlotsUntilOneOpens) {
  TpmSlot stale = MakeSlot(SampleSecret(32));
  ExtendPcr(us_.tpm, 8, Sha256Bank());
  TpmSlot foreign = MakeSlot(SampleSecret(32));
  foreign.key.parent_handle = 0x81000077;
  KeyFile file = MakeFile({stale, foreign, MakeSlot(SampleSecret(32))});
  EXPECT_TRUE(Must(UnsealKek(us_.tpm, file)).Equals(SampleSecret(32)));
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

TEST_F(UnsealKekTest, AMismatchIsSaidWithoutThemToo) {
  TpmSlot slot = MakeSlot(SampleSecret(32));
  ExtendPcr(us_.tpm, 8, Sha256Bank());
  for (const char* values : {"", "nonsense", "7+8"}) {
    slot.pcr_values = values;
    EXPECT_THAT(UnsealKek(us_.tpm, MakeFile({slot})),
                FailsWith(Errc::kPolicyMismatch, "do not hold the enrolled values"));
  }
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
