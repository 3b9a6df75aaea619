// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <tss2/tss2_mu.h>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/sealing_tpm.h"
#include "test/unit/support/swtpm.h"
#include "tpm/sealed_object.h"

namespace nvunlock {
namespace {

class ProveClosedWithoutPolicyTest : public SwtpmTest {
 protected:
  /// Seals as a careless program would.
  static SealedObject SealCarelessly(SealingTpm& us, TPMA_OBJECT attributes, ByteView policy) {
    TPM2B_SENSITIVE_CREATE sensitive = {};
    sensitive.sensitive.data.size = 32;
    TPM2B_PUBLIC asked = {};
    asked.publicArea.type = TPM2_ALG_KEYEDHASH;
    asked.publicArea.nameAlg = TPM2_ALG_SHA256;
    asked.publicArea.objectAttributes =
        TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA | attributes;
    asked.publicArea.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
    asked.publicArea.authPolicy.size = static_cast<UINT16>(policy.size());
    std::copy(policy.begin(), policy.end(), asked.publicArea.authPolicy.buffer);
    return Create(us, sensitive, asked);
  }

 private:
  static SealedObject Create(SealingTpm& us, const TPM2B_SENSITIVE_CREATE& sensitive,
                             const TPM2B_PUBLIC& asked) {
    TPM2B_DATA no_data = {};
    TPML_PCR_SELECTION no_pcrs = {};
    TPM2B_PRIVATE* private_area = nullptr;
    TPM2B_PUBLIC* public_area = nullptr;
    TSS2_RC rc = Esys_Create(us.tpm.esys(), us.parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                             &sensitive, &asked, &no_data, &no_pcrs, &private_area, &public_area,
                             nullptr, nullptr, nullptr);
    if (rc != TSS2_RC_SUCCESS) throw std::runtime_error("cannot create an object");
    EsysPtr<TPM2B_PRIVATE> owned_private(private_area);
    EsysPtr<TPM2B_PUBLIC> owned_public(public_area);
    Bytes marshalled(sizeof(TPM2B_PRIVATE));
    size_t size = 0;
    Tss2_MU_TPM2B_PRIVATE_Marshal(private_area, marshalled.data(), marshalled.size(), &size);
    marshalled.resize(size);
    return {MarshalPublic(*public_area), marshalled};
  }
};

TEST_F(ProveClosedWithoutPolicyTest, SucceedsForWhatSealMakes) {
  SealingTpm us(swtpm().device());
  SealedObject sealed = us.SealUnder(us.PolicyOfNow(), SampleSecret(32));
  EXPECT_THAT(ProveClosedWithoutPolicy(us.tpm, us.parent, sealed), Succeeds());
}

TEST_F(ProveClosedWithoutPolicyTest, FailsForAnObjectThatAnEmptyPasswordOpens) {
  SealingTpm us(swtpm().device());
  Sha256Digest policy = PolicyDigest(us.PolicyOfNow());
  SealedObject open_to_all = SealCarelessly(us, TPMA_OBJECT_USERWITHAUTH, policy);
  EXPECT_THAT(ProveClosedWithoutPolicy(us.tpm, us.parent, open_to_all),
              FailsWith(Errc::kFailed, "without its policy"));
}

TEST_F(ProveClosedWithoutPolicyTest, FailsForAnObjectWhosePolicyAsksForNothing) {
  SealingTpm us(swtpm().device());
  SealedObject open_to_all = SealCarelessly(us, 0, Bytes(32));
  EXPECT_THAT(ProveClosedWithoutPolicy(us.tpm, us.parent, open_to_all),
              FailsWith(Errc::kFailed, "without its policy"));
}

TEST_F(ProveClosedWithoutPolicyTest, FailsWhenTheObjectCannotBeLoadedAtAll) {
  SealingTpm us(swtpm().device());
  EXPECT_THAT(ProveClosedWithoutPolicy(us.tpm, us.parent, SampleSealedObject()),
              testing::Not(Succeeds()));
}

}  // namespace
}  // namespace nvunlock
