// SPDX-License-Identifier: Apache-2.0
// What somebody on the bus between processor and TPM sees, and what he can change.
#include <gmock/gmock.h>

#include <optional>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/recording_proxy.h"
#include "test/unit/support/sealing_tpm.h"
#include "test/unit/support/swtpm.h"
#include "tpm/sealed_object.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class BusTrafficTest : public SwtpmTest {
 protected:
  void SetUp() override {
    SealingTpm us(swtpm().device());
    srk_ = us.srk;
    policy_ = us.PolicyOfNow();
    sealed_ = us.SealUnder(policy_, secret_);
  }

  /// One unseal as `unlock` does it, over the bus of PROXY.
  Result<Secret> UnsealOver(const RecordingProxy& proxy) const {
    Tpm tpm = Must(Tpm::Connect(proxy.device()));
    ESYS_TR parent = TRY(PinParent(tpm, kSrkHandle, srk_));
    return std::move(TRY(Unseal(tpm, parent, sealed_, policy_)).secret);
  }

  const Secret secret_ = SampleSecret(32, 0x60);
  TPM2B_PUBLIC srk_ = {};
  Policy policy_;
  SealedObject sealed_;
};

TEST_F(BusTrafficTest, AnUnsealIsSevenCommands) {
  RecordingProxy proxy(swtpm());
  ASSERT_THAT(UnsealOver(proxy), Succeeds());
  EXPECT_THAT(proxy.commands(), ElementsAre(TPM2_CC_Load, TPM2_CC_StartAuthSession, TPM2_CC_NV_Read,
                                            TPM2_CC_PolicyPCR, TPM2_CC_PolicyAuthorizeNV,
                                            TPM2_CC_PolicyNV, TPM2_CC_Unseal));
}

TEST_F(BusTrafficTest, AnUnsealDoesNotShowTheSecret) {
  RecordingProxy proxy(swtpm());
  EXPECT_TRUE(Must(UnsealOver(proxy)).Equals(secret_));
  EXPECT_FALSE(ContainsBytes(proxy.traffic(), secret_.bytes()));
}

TEST_F(BusTrafficTest, SealingDoesNotShowTheSecret) {
  RecordingProxy proxy(swtpm());
  {
    SealingTpm us(proxy.device());
    us.SealUnder(us.PolicyOfNow(), secret_);
  }
  EXPECT_FALSE(ContainsBytes(proxy.traffic(), secret_.bytes()));
}

/// TPM2_Unseal as Unseal does it, but for a session that is neither salted nor encrypts.
void UnsealInClear(SealingTpm& us, const SealedObject& sealed, const Policy& policy) {
  TPM2B_PUBLIC public_area = Must(UnmarshalPublic(sealed.public_area));
  TPM2B_PRIVATE private_area = {};
  private_area.size = static_cast<UINT16>(sealed.private_area.size() - 2);
  std::copy(sealed.private_area.begin() + 2, sealed.private_area.end(), private_area.buffer);
  ESYS_TR object = ESYS_TR_NONE;
  Esys_Load(us.tpm.esys(), us.parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &private_area,
            &public_area, &object);
  TpmObject owned_object(us.tpm, object);
  TPMT_SYM_DEF no_encryption = {.algorithm = TPM2_ALG_NULL, .keyBits = {}, .mode = {}};
  ESYS_TR session = ESYS_TR_NONE;
  Esys_StartAuthSession(us.tpm.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                        ESYS_TR_NONE, nullptr, TPM2_SE_POLICY, &no_encryption, TPM2_ALG_SHA256,
                        &session);
  TpmObject owned_session(us.tpm, session);
  Esys_TRSess_SetAttributes(us.tpm.esys(), session, TPMA_SESSION_CONTINUESESSION, 0xff);
  ASSERT_THAT(AssertPolicy(us.tpm, session, policy, {}), Succeeds());
  TPM2B_SENSITIVE_DATA* data = nullptr;
  Esys_Unseal(us.tpm.esys(), object, session, ESYS_TR_NONE, ESYS_TR_NONE, &data);
  EsysPtr<TPM2B_SENSITIVE_DATA> owned_data(data);
}

TEST_F(BusTrafficTest, WithoutEncryptionItWouldShowTheSecret) {
  RecordingProxy proxy(swtpm());
  {
    SealingTpm us(proxy.device());
    UnsealInClear(us, sealed_, policy_);
  }
  EXPECT_TRUE(ContainsBytes(proxy.traffic(), secret_.bytes()));
}

class ChangedResponseTest : public BusTrafficTest {
 protected:
  /// Unseals once for each byte of the response to COMMAND, with that byte changed. Returns which
  /// of them did not make it fail.
  std::vector<size_t> FindUnnoticedChanges(uint32_t command) const {
    size_t size = 1;
    size_t changed = 0;
    RecordingProxy proxy(swtpm(), [&](uint32_t command_code, Bytes& response) {
      if (command_code != command) return;
      size = response.size();
      response[changed] ^= 0x01;
    });
    std::vector<size_t> unnoticed;
    for (; changed < size; changed++) {
      // A size that grows would make us wait for what never comes; tcti_test.cc has that.
      if (changed >= 2 && changed < 6) continue;
      if (UnsealOver(proxy)) unnoticed.push_back(changed);
      proxy.FlushLeftovers();
    }
    return unnoticed;
  }
};

TEST_F(ChangedResponseTest, NoChangeOfTheNewSessionGoesUnnoticed) {
  EXPECT_THAT(FindUnnoticedChanges(TPM2_CC_StartAuthSession), IsEmpty());
}

TEST_F(ChangedResponseTest, NoChangeOfThePolicysVerdictGoesUnnoticed) {
  EXPECT_THAT(FindUnnoticedChanges(TPM2_CC_PolicyPCR), IsEmpty());
}

TEST_F(ChangedResponseTest, NoChangeOfTheUnsealedDataGoesUnnoticed) {
  EXPECT_THAT(FindUnnoticedChanges(TPM2_CC_Unseal), IsEmpty());
}

TEST_F(ChangedResponseTest, NoChangeOfTheLoadedObjectGoesUnnoticed) {
  // Header, handle, size of the parameters, Name, and then a password session, whose attributes
  // have no meaning in a response.
  constexpr size_t kPasswordAttributes = 10 + 4 + 4 + 2 + 34 + 2;
  EXPECT_THAT(FindUnnoticedChanges(TPM2_CC_Load), ElementsAre(kPasswordAttributes));
}

}  // namespace
}  // namespace nvunlock
