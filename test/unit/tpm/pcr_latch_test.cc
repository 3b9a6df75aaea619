// SPDX-License-Identifier: Apache-2.0
#include "tpm/pcr_latch.h"

#include <gtest/gtest.h>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/recording_proxy.h"
#include "test/unit/support/sealing_tpm.h"

namespace nvunlock {
namespace {

class PcrLatchTest : public SwtpmTest {
 protected:
  static Bytes ValueOf(Tpm& tpm, const PcrBank& bank, unsigned pcr) {
    return Must(ReadPcrs(tpm, bank, 1U << pcr))[pcr];
  }
};

TEST_F(PcrLatchTest, APolicyThatWantsItAtZeroHoldsUntilItIsClosedAndAgainAfterAPowerCycle) {
  const Secret secret = SampleSecret(32);
  SealedObject sealed;
  Policy policy;
  {
    SealingTpm us(swtpm().device());
    policy = us.PolicyOfNow(1U << 12);
    sealed = Must(Seal(us.tpm, us.parent, secret, policy));
    EXPECT_TRUE(Must(Unseal(us.tpm, us.parent, sealed, policy)).Equals(secret));
    EXPECT_THAT(ClosePcrLatch(us.tpm, us.parent, 12), Succeeds());
    EXPECT_THAT(Unseal(us.tpm, us.parent, sealed, policy), FailsWith(Errc::kPolicyMismatch));
  }
  swtpm().PowerCycle();
  SealingTpm us(swtpm().device());
  EXPECT_TRUE(Must(Unseal(us.tpm, us.parent, sealed, policy)).Equals(secret));
}

TEST_F(PcrLatchTest, EveryActiveBankIsClosedAndNoOtherPcr) {
  SealingTpm us(swtpm().device());
  ASSERT_THAT(ClosePcrLatch(us.tpm, us.parent, 13), Succeeds());
  for (const PcrBank* bank : Must(ActivePcrBanks(us.tpm))) {
    EXPECT_NE(ValueOf(us.tpm, *bank, 13), Bytes(bank->digest_size)) << bank->name;
    EXPECT_EQ(ValueOf(us.tpm, *bank, 14), Bytes(bank->digest_size)) << bank->name;
  }
}

TEST_F(PcrLatchTest, ABankThatIsZeroBesideOneThatIsNotIsClosed) {
  SealingTpm us(swtpm().device());
  ExtendPcr(us.tpm, 14, Sha256Bank());
  const PcrBank& other = *FindPcrBank("sha384");
  ASSERT_EQ(ValueOf(us.tpm, other, 14), Bytes(other.digest_size));
  ASSERT_THAT(ClosePcrLatch(us.tpm, us.parent, 14), Succeeds());
  EXPECT_NE(ValueOf(us.tpm, other, 14), Bytes(other.digest_size));
}

TEST_F(PcrLatchTest, AClosedOneIsNotExtendedAgain) {
  SealingTpm us(swtpm().device());
  ASSERT_THAT(ClosePcrLatch(us.tpm, us.parent, 15), Succeeds());
  Bytes closed = ValueOf(us.tpm, Sha256Bank(), 15);
  ASSERT_THAT(ClosePcrLatch(us.tpm, us.parent, 15), Succeeds());
  EXPECT_EQ(ValueOf(us.tpm, Sha256Bank(), 15), closed);
}

/// A TPM that says yes and does nothing.
TEST_F(PcrLatchTest, APcrThatStaysAtZeroIsNoticed) {
  RawTpm raw(swtpm().socket_path());
  FakeTpm lazy([&](const Bytes& command) {
    if (CommandCodeOf(command) != TPM2_CC_PCR_Extend) return FakeTpm::Pieces{raw.Exchange(command)};
    return FakeTpm::Pieces{MakeResponse(TPM2_ST_SESSIONS, 0, Hex("000000000000010000"))};
  });
  SealingTpm us(lazy.device());
  EXPECT_THAT(ClosePcrLatch(us.tpm, us.parent, 11),
              FailsWith(Errc::kWrongTpm, "PCR 11 is still zero"));
}

/// Somebody on the bus who keeps the extension from the TPM and says that the PCR is not zero.
TEST_F(PcrLatchTest, AReadingThatSomebodyElseGivesProvesNothing) {
  const TPM2B_PUBLIC srk = SealingTpm(swtpm().device()).srk;
  RecordingProxy bus(swtpm(), [](uint32_t command, Bytes& response) {
    constexpr size_t kIntoTheDigest = 40;
    if (command == TPM2_CC_PCR_Read) response.at(kIntoTheDigest) ^= 1;
  });
  Tpm tpm = Must(Tpm::Connect(bus.device()));
  ESYS_TR parent = Must(PinParent(tpm, kSrkHandle, srk));
  EXPECT_THAT(ClosePcrLatch(tpm, parent, 10), FailsWith(Errc::kWrongTpm, "not authentic"));
}

}  // namespace
}  // namespace nvunlock
