// SPDX-License-Identifier: Apache-2.0
#include "tpm/nv_latch.h"

#include <gmock/gmock.h>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/recording_proxy.h"
#include "test/unit/support/sealing_tpm.h"
#include "tpm/session.h"

namespace nvunlock {
namespace {

using testing::Not;

TEST(EncodeNvLatchTest, IsThePublicAreaAndTheParametersOfTheCommand) {
  EXPECT_EQ(ToHex(EncodeNvLatch(SampleLatch())),
            "002e"
            "01804e56"
            "000b"
            "a2040008"
            "0020" +
                std::string(64, '0') +
                "0008"
                "0008"
                "0102030405060708"
                "0000"
                "0000");
}

TEST(DecodeNvLatchTest, IsTheInverse) {
  Bytes body = EncodeNvLatch(SampleLatch());
  EXPECT_EQ(EncodeNvLatch(Must(DecodeNvLatch(body))), body);
}

TEST(DecodeNvLatchTest, RefusesWhatIsCutOrTooLong) {
  Bytes body = EncodeNvLatch(SampleLatch());
  for (size_t size = 0; size < body.size(); size++) {
    EXPECT_THAT(DecodeNvLatch(ByteView(body).first(size)), FailsWith(Errc::kBadKeyFile)) << size;
  }
  body.push_back(0);
  EXPECT_THAT(DecodeNvLatch(body), FailsWith(Errc::kBadKeyFile));
}

TEST(DecodeNvLatchTest, RefusesAnotherOperationAndAnotherNameAlgorithm) {
  const Bytes body = EncodeNvLatch(SampleLatch());
  for (size_t i : {size_t{0}, size_t{1}, size_t{7}, body.size() - 3, body.size() - 1}) {
    Bytes changed = body;
    changed[i] ^= 1;
    EXPECT_THAT(DecodeNvLatch(changed), FailsWith(Errc::kBadKeyFile)) << i;
  }
}

class NvLatchTest : public SwtpmTest {
 protected:
  static SealingTpm Us() { return SealingTpm(swtpm().device()); }

  /// What the TPM makes of an assertion of LATCH.
  static Result<void> Assert(SealingTpm& us, const NvLatch& latch) {
    TpmObject session = Must(StartPolicySession(us.tpm, us.parent));
    return AssertNvLatch(us.tpm, session.tr(), latch);
  }
};

TEST_F(NvLatchTest, OpensUntilItIsClosedAndAgainAfterAPowerCycle) {
  const Secret secret = SampleSecret(32);
  Policy policy;
  SealedObject sealed;
  {
    SealingTpm us = Us();
    policy = us.PolicyOfNow(1U << 16);
    sealed = us.SealUnder(policy, secret);
    for (int i = 0; i < 2; i++) {
      EXPECT_TRUE(Must(Unseal(us.tpm, us.parent, sealed, policy)).secret.Equals(secret));
    }
    EXPECT_THAT(CloseNvLatch(us.tpm, us.parent, policy.latch), Succeeds());
    EXPECT_THAT(Unseal(us.tpm, us.parent, sealed, policy), FailsWith(Errc::kLatchClosed));
  }
  swtpm().PowerCycle();
  SealingTpm us = Us();
  EXPECT_TRUE(Must(Unseal(us.tpm, us.parent, sealed, policy)).secret.Equals(secret));
}

TEST_F(NvLatchTest, IsClosedWhateverThePcrsHold) {
  SealingTpm us = Us();
  NvLatch latch = Must(MakeNvLatch(us.tpm, us.parent));
  ExtendPcr(us.tpm, 8, Sha256Bank());
  EXPECT_THAT(CloseNvLatch(us.tpm, us.parent, latch), Succeeds());
  EXPECT_THAT(Assert(us, latch), FailsWith(Errc::kLatchClosed));
}

TEST_F(NvLatchTest, ClosingAgainSucceeds) {
  SealingTpm us = Us();
  NvLatch latch = Must(MakeNvLatch(us.tpm, us.parent));
  EXPECT_THAT(CloseNvLatch(us.tpm, us.parent, latch), Succeeds());
  EXPECT_THAT(CloseNvLatch(us.tpm, us.parent, latch), Succeeds());
  EXPECT_THAT(ReadNvLatch(us.tpm, latch), Yields(LatchState::kClosed));
}

TEST_F(NvLatchTest, TheSoftwareDigestIsTheTpms) {
  SealingTpm us = Us();
  NvLatch latch = Must(MakeNvLatch(us.tpm, us.parent));
  TpmObject session = Must(StartPolicySession(us.tpm, us.parent));
  ASSERT_THAT(AssertNvLatch(us.tpm, session.tr(), latch), Succeeds());
  EXPECT_EQ(us.DigestIn(session), Copy(ExtendDigest(Sha256Digest{}, latch)));
}

TEST_F(NvLatchTest, TwoLatchesAreTwoIndexes) {
  SealingTpm us = Us();
  NvLatch one = Must(MakeNvLatch(us.tpm, us.parent));
  NvLatch other = Must(MakeNvLatch(us.tpm, us.parent));
  EXPECT_NE(one.index.nvPublic.nvIndex, other.index.nvPublic.nvIndex);
  EXPECT_NE(one.value, other.value);
  EXPECT_THAT(CloseNvLatch(us.tpm, us.parent, one), Succeeds());
  EXPECT_THAT(Assert(us, other), Succeeds());
}

/// An attacker who owns the TPM removes a closed index and makes it anew, just as it was.
TEST_F(NvLatchTest, AnIndexThatIsMadeAnewDoesNotOpen) {
  SealingTpm us = Us();
  NvLatch latch = Must(MakeNvLatch(us.tpm, us.parent));
  EXPECT_THAT(CloseNvLatch(us.tpm, us.parent, latch), Succeeds());
  EXPECT_THAT(RemoveIndex(us.tpm, latch.index), Succeeds());
  EXPECT_THAT(ReadNvLatch(us.tpm, latch), FailsWith(Errc::kLatchGone));
  EXPECT_THAT(Assert(us, latch), FailsWith(Errc::kLatchGone));
  EXPECT_THAT(CloseNvLatch(us.tpm, us.parent, latch), FailsWith(Errc::kLatchGone));

  TPM2B_NV_PUBLIC same = latch.index;
  same.nvPublic.attributes &= ~TPMA_NV_WRITTEN;
  TPM2B_AUTH no_auth = {};
  ESYS_TR tr = ESYS_TR_NONE;
  ASSERT_EQ(Esys_NV_DefineSpace(us.tpm.esys(), ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                ESYS_TR_NONE, &no_auth, &same, &tr),
            TSS2_RC_SUCCESS);
  EXPECT_THAT(Assert(us, latch), FailsWith(Errc::kLatchGone));
  EXPECT_THAT(CloseNvLatch(us.tpm, us.parent, latch), FailsWith(Errc::kLatchGone));

  TPM2B_MAX_NV_BUFFER value = {.size = 8, .buffer = {}};
  std::copy(latch.value.begin(), latch.value.end(), value.buffer);
  // Neither does the key of another index write it.
  EXPECT_THAT(WriteIndex(us.tpm, us.parent, latch.index, us.key, latch.value), Not(Succeeds()));
  for (ESYS_TR authority : {ESYS_TR{ESYS_TR_RH_OWNER}, tr}) {
    EXPECT_NE(Esys_NV_Write(us.tpm.esys(), authority, tr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                            ESYS_TR_NONE, &value, 0),
              TSS2_RC_SUCCESS);
  }
  TpmObject empty_session = Must(StartSession(us.tpm, ESYS_TR_NONE, TPM2_SE_POLICY, 0));
  EXPECT_NE(Esys_NV_Write(us.tpm.esys(), tr, tr, empty_session.tr(), ESYS_TR_NONE, ESYS_TR_NONE,
                          &value, 0),
            TSS2_RC_SUCCESS);
  // The impostor was told to close, like any other.
  EXPECT_THAT(Assert(us, latch), FailsWith(Errc::kLatchClosed));
  EXPECT_THAT(CloseNvLatch(us.tpm, us.parent, latch), FailsWith(Errc::kLatchGone));
  EXPECT_THAT(ReadNvLatch(us.tpm, latch), FailsWith(Errc::kLatchGone));
}

/// What somebody who owns the TPM does to the storage root key before a boot. Afterwards they can
/// have the TPM make it anew, and the latch must not be open then.
class MeddledParentTest : public NvLatchTest, public testing::WithParamInterface<const char*> {};

TEST_P(MeddledParentTest, TheLatchIsClosedAllTheSame) {
  NvLatch latch;
  TPM2B_PUBLIC srk;
  {
    SealingTpm us = Us();
    latch = Must(MakeNvLatch(us.tpm, us.parent));
    srk = us.srk;
    EvictPersistent(us.tpm, kSrkHandle);
  }
  swtpm().RunTools(GetParam());
  {
    Tpm tpm = ConnectTo(swtpm());
    ESYS_TR parent = Must(PinParent(tpm, kSrkHandle, srk));
    EXPECT_FALSE(CloseNvLatch(tpm, parent, latch)) << "nothing proves that it is closed";
  }
  swtpm().RunTools("! tpm2_readpublic -Q -c 0x81000001 || tpm2_evictcontrol -Q -C o -c 0x81000001");
  SealingTpm us = Us();
  EXPECT_THAT(Assert(us, latch), FailsWith(Errc::kLatchClosed));
}

INSTANTIATE_TEST_SUITE_P(
    , MeddledParentTest,
    testing::Values("true",
                    "tpm2_createprimary -Q -C o -g sha256 -G ecc256 -c other.ctx\n"
                    "tpm2_evictcontrol -Q -C o -c other.ctx 0x81000001\n"
                    "tpm2_flushcontext -t",
                    "tpm2_createprimary -Q -C o -g sha256 -G rsa2048 -c other.ctx\n"
                    "tpm2_evictcontrol -Q -C o -c other.ctx 0x81000001\n"
                    "tpm2_flushcontext -t"));

/// Somebody on the bus answers for the TPM, so that the latch stays open.
TEST_F(NvLatchTest, AForgedAnswerThatItIsClosedIsNotBelieved) {
  NvLatch latch;
  {
    SealingTpm us = Us();
    latch = Must(MakeNvLatch(us.tpm, us.parent));
  }
  RecordingProxy proxy(swtpm(), [](uint32_t command, Bytes& response) {
    if (command == TPM2_CC_NV_ReadLock) response.back() ^= 1;
  });
  SealingTpm us(proxy.device());
  EXPECT_THAT(CloseNvLatch(us.tpm, us.parent, latch), FailsWith(Errc::kWrongTpm, "not authentic"));
}

}  // namespace
}  // namespace nvunlock
