// SPDX-License-Identifier: Apache-2.0
#include "tpm/policy.h"

#include <gtest/gtest.h>

#include <set>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/sealing_tpm.h"
#include "test/unit/support/signer.h"
#include "tpm/session.h"

namespace nvunlock {
namespace {

class CombinedPolicyTest : public SwtpmTest {
 protected:
  /// What the TPM itself computes while POLICY is asserted.
  static Bytes DigestOfTpm(SealingTpm& us, const Policy& policy) {
    TpmObject session = Must(StartPolicySession(us.tpm, us.parent));
    Must(AssertPolicy(us.tpm, session.tr(), policy));
    TPM2B_DIGEST* digest = nullptr;
    Esys_PolicyGetDigest(us.tpm.esys(), session.tr(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                         &digest);
    EsysPtr<TPM2B_DIGEST> owned(digest);
    return {digest->buffer, digest->buffer + digest->size};
  }

  static SignedPolicy SignedNow(SealingTpm& us) {
    constexpr uint32_t kPcr11 = 1U << 11;
    Signer signer;
    SignedPolicy policy = signer.PolicyOn(kPcr11);
    policy.signatures = {signer.Sign(Must(ReadPcrs(us.tpm, Sha256Bank(), kPcr11)))};
    return policy;
  }

  /// Every combination of parts.
  static std::vector<Policy> AllPolicies(SealingTpm& us) {
    std::optional<PcrPolicy> pcrs = us.PolicyOfNow().pcrs;
    std::optional<NvLatch> latch = Must(MakeNvLatch(us.tpm));
    std::optional<SignedPolicy> signed_pcrs = SignedNow(us);
    std::vector<Policy> policies;
    for (unsigned parts = 0; parts < 16; parts++) {
      Policy policy;
      if ((parts & 1) != 0) policy.signed_pcrs = signed_pcrs;
      if ((parts & 2) != 0) policy.pcrs = pcrs;
      if ((parts & 4) != 0) policy.latch = latch;
      policy.pin = (parts & 8) != 0;
      policies.push_back(policy);
    }
    return policies;
  }
};

TEST_F(CombinedPolicyTest, TheSoftwareDigestOfEveryCombinationIsTheTpms) {
  SealingTpm us(swtpm().device());
  for (const Policy& policy : AllPolicies(us)) {
    EXPECT_EQ(DigestOfTpm(us, policy), Copy(PolicyDigest(policy)))
        << policy.signed_pcrs.has_value() << policy.pcrs.has_value() << policy.latch.has_value()
        << policy.pin;
  }
}

TEST_F(CombinedPolicyTest, EveryCombinationIsAnotherPolicy) {
  SealingTpm us(swtpm().device());
  std::set<Sha256Digest> digests;
  for (const Policy& policy : AllPolicies(us)) digests.insert(PolicyDigest(policy));
  EXPECT_EQ(digests.size(), 16U);
}

TEST_F(CombinedPolicyTest, ThePcrsAreSaidToDifferBeforeTheLatchIsSaidToBeClosed) {
  SealingTpm us(swtpm().device());
  NvLatch latch = Must(MakeNvLatch(us.tpm));
  Must(CloseNvLatch(us.tpm, us.parent, latch));
  TpmObject session = Must(StartPolicySession(us.tpm, us.parent));
  EXPECT_THAT(
      AssertPolicy(us.tpm, session.tr(), {.pcrs = SamplePcrPolicy(), .latch = latch, .pin = true}),
      FailsWith(Errc::kPolicyMismatch));
  TpmObject other = Must(StartPolicySession(us.tpm, us.parent));
  Policy policy = us.PolicyOfNow();
  policy.latch = latch;
  EXPECT_THAT(AssertPolicy(us.tpm, other.tr(), policy), FailsWith(Errc::kLatchClosed));
}

}  // namespace
}  // namespace nvunlock
