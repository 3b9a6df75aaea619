// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/recording_proxy.h"
#include "test/unit/support/swtpm.h"
#include "test/unit/support/tpm_samples.h"
#include "tpm/sealed_object.h"
#include "tpm/session.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

using testing::Not;

constexpr TPM2_HANDLE kHandle = 0x81000123;

/// PinParent for storage keys of the kind that the parameter names.
class PinParentTest : public SwtpmTest, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    swtpm().RunTools(std::string("tpm2_createprimary -Q -C o -g sha256 -c key.ctx -G ") +
                     GetParam() + "\ntpm2_evictcontrol -Q -C o -c key.ctx 0x81000123");
  }

  void TearDown() override {
    Tpm tpm = ConnectTo(swtpm());
    EvictPersistent(tpm, kHandle);
  }

  /// What ESYS makes when it asks the TPM.
  static ESYS_TR AskTpm(Tpm& tpm) {
    ESYS_TR tr = ESYS_TR_NONE;
    Esys_TR_FromTPMPublic(tpm.esys(), kHandle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &tr);
    return tr;
  }

  static TPM2B_PUBLIC ReadKey(Tpm& tpm) {
    TPM2B_PUBLIC* area = nullptr;
    Esys_ReadPublic(tpm.esys(), AskTpm(tpm), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &area,
                    nullptr, nullptr);
    EsysPtr<TPM2B_PUBLIC> owned(area);
    return *area;
  }

  static Bytes Serialize(Tpm& tpm, ESYS_TR tr) {
    uint8_t* buffer = nullptr;
    size_t size = 0;
    Esys_TR_Serialize(tpm.esys(), tr, &buffer, &size);
    EsysPtr<uint8_t> owned(buffer);
    return {buffer, buffer + size};
  }
};

TEST_P(PinParentTest, IsWhatEsysMakesWhenItAsksTheTpm) {
  Tpm tpm = ConnectTo(swtpm());
  ESYS_TR pinned = Must(PinParent(tpm, kHandle, ReadKey(tpm)));
  EXPECT_EQ(Serialize(tpm, pinned), Serialize(tpm, AskTpm(tpm)));
}

TEST_P(PinParentTest, SessionsSaltedToItWork) {
  Tpm tpm = ConnectTo(swtpm());
  TpmObject session = Must(StartHmacSession(tpm, Must(PinParent(tpm, kHandle, ReadKey(tpm)))));
  EXPECT_THAT(tpm.GetRandom(32, session.tr()), Succeeds());
}

INSTANTIATE_TEST_SUITE_P(KeyTypes, PinParentTest, testing::Values("ecc256", "ecc384", "rsa2048"));

class PinnedParentTest : public SwtpmTest {};

TEST_F(PinnedParentTest, TheTpmIsNotAsked) {
  RecordingProxy proxy(swtpm());
  {
    Tpm tpm = Must(Tpm::Connect(proxy.device()));
    EXPECT_THAT(PinParent(tpm, kHandle, SampleParent()), Succeeds());
  }
  EXPECT_TRUE(proxy.traffic().empty());
}

TEST_F(PinnedParentTest, ATpmWithAnotherKeyCannotAnswer) {
  Tpm tpm = ConnectTo(swtpm());
  (void)Must(ProvisionSrk(tpm));
  TpmObject session = Must(StartHmacSession(tpm, Must(PinParent(tpm, kSrkHandle, SampleParent()))));
  EXPECT_THAT(tpm.GetRandom(32, session.tr()), Not(Succeeds()));
}

TEST_F(PinnedParentTest, AnotherNameAlgorithmIsRefused) {
  Tpm tpm = ConnectTo(swtpm());
  TPM2B_PUBLIC parent = SampleParent();
  parent.publicArea.nameAlg = TPM2_ALG_SHA1;
  EXPECT_THAT(PinParent(tpm, kSrkHandle, parent), FailsWith(Errc::kBadKeyFile, "SHA-256"));
}

TEST_F(PinnedParentTest, APointThatIsNotOnTheCurveGetsNoSession) {
  Tpm tpm = ConnectTo(swtpm());
  TPM2B_PUBLIC parent = SampleParent();
  parent.publicArea.unique.ecc.x.buffer[0] ^= 1;
  EXPECT_THAT(StartHmacSession(tpm, Must(PinParent(tpm, kSrkHandle, parent))), Not(Succeeds()));
}

TEST_F(PinnedParentTest, ACoordinateLongerThanTheCurveHasGetsNoSession) {
  Tpm tpm = ConnectTo(swtpm());
  TPM2B_PUBLIC parent = SampleParent();
  parent.publicArea.unique.ecc.x.size = 66;
  EXPECT_THAT(StartHmacSession(tpm, Must(PinParent(tpm, kSrkHandle, parent))), Not(Succeeds()));
}

TEST_F(PinnedParentTest, ACurveThatWeDoNotHaveGetsNoSession) {
  Tpm tpm = ConnectTo(swtpm());
  TPM2B_PUBLIC parent = SampleParent();
  parent.publicArea.parameters.eccDetail.curveID = TPM2_ECC_BN_P256;
  EXPECT_THAT(StartHmacSession(tpm, Must(PinParent(tpm, kSrkHandle, parent))), Not(Succeeds()));
}

}  // namespace
}  // namespace nvunlock
