// SPDX-License-Identifier: Apache-2.0
#include "tpm/pcr_policy.h"

#include <gtest/gtest.h>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/swtpm.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {
namespace {

TEST(PolicyForValuesTest, DigestsTheValuesInTheOrderOfTheirPcrs) {
  PcrPolicy policy = PolicyForValues(Sha256Bank(), {{11, Bytes(32, 2)}, {7, Bytes(32, 1)}});
  EXPECT_EQ(policy.pcr_digest, Sha256({Bytes(32, 1), Bytes(32, 2)}));
  ASSERT_EQ(policy.pcrs.count, 1U);
  EXPECT_EQ(MaskOf(policy.pcrs.pcrSelections[0]), 1U << 7 | 1U << 11);
  EXPECT_EQ(policy.pcrs.pcrSelections[0].hash, TPM2_ALG_SHA256);
}

TEST(PolicyForValuesTest, KeepsTheBeginningsOfTheValues) {
  PcrPolicy policy = PolicyForValues(Sha256Bank(), {{11, Bytes(32, 2)}, {7, Bytes(32, 1)}});
  EXPECT_EQ(ToHex(policy.beginnings), "010101010101020202020202");
}

TEST(MarshalSelectionTest, IsTheSelectionAsATpmWritesIt) {
  EXPECT_EQ(ToHex(MarshalSelection(SamplePcrPolicy().pcrs)),
            "00000001"
            "000b"
            "03800800");
}

TEST(PcrPolicyDigestTest, TheBeginningsAreNoPartOfIt) {
  PcrPolicy policy = SamplePcrPolicy();
  Sha256Digest digest = ExtendDigest({}, policy);
  policy.beginnings.clear();
  EXPECT_EQ(ExtendDigest({}, policy), digest);
}

TEST(DescribeDifferenceTest, NamesThePcrsWhoseValuesDiffer) {
  auto policy = [](uint8_t four, uint8_t nine) {
    return PolicyForValues(Sha256Bank(), {{4, Bytes(32, four)}, {9, Bytes(32, nine)}});
  };
  EXPECT_EQ(DescribeDifference(policy(1, 1), policy(1, 1)), "");
  EXPECT_EQ(DescribeDifference(policy(1, 1), policy(1, 2)), "PCR 9 (sha256)");
  EXPECT_EQ(DescribeDifference(policy(1, 1), policy(2, 2)), "PCR 4, 9 (sha256)");
}

TEST(DescribeDifferenceTest, OfOtherPcrsOrWithoutBeginningsItIsNotTold) {
  PcrPolicy policy = PolicyForValues(Sha256Bank(), {{4, Bytes(32, 1)}});
  EXPECT_EQ(DescribeDifference(policy, PolicyForValues(Sha256Bank(), {{8, Bytes(32, 2)}})), "");
  PcrPolicy untold = PolicyForValues(Sha256Bank(), {{4, Bytes(32, 2)}});
  untold.beginnings.clear();
  EXPECT_EQ(DescribeDifference(policy, untold), "");
  EXPECT_EQ(DescribeDifference(untold, policy), "");
}

struct Selection {
  const char* bank;
  uint32_t mask;
};

class PolicyTest : public SwtpmTest {
 protected:
  /// The policy that PCRs hold what they hold now.
  static PcrPolicy PolicyOfNow(Tpm& tpm, const Selection& selection) {
    const PcrBank& bank = *FindPcrBank(selection.bank);
    return PolicyForValues(bank, Must(ReadPcrs(tpm, bank, selection.mask)));
  }

  static TpmObject StartSession(Tpm& tpm, TPM2_SE type) {
    TPMT_SYM_DEF no_encryption = {.algorithm = TPM2_ALG_NULL, .keyBits = {}, .mode = {}};
    ESYS_TR session = ESYS_TR_NONE;
    Esys_StartAuthSession(tpm.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                          ESYS_TR_NONE, nullptr, type, &no_encryption, TPM2_ALG_SHA256, &session);
    return {tpm, session};
  }

  /// What the TPM itself computes.
  static Bytes DigestOfSession(Tpm& tpm, const TpmObject& session) {
    TPM2B_DIGEST* digest = nullptr;
    Esys_PolicyGetDigest(tpm.esys(), session.tr(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                         &digest);
    EsysPtr<TPM2B_DIGEST> owned(digest);
    return {digest->buffer, digest->buffer + digest->size};
  }
};

TEST_F(PolicyTest, TheOfflineDigestIsTheTpms) {
  Tpm tpm = ConnectTo(swtpm());
  ExtendPcr(tpm, 7, Sha256Bank());
  for (const Selection& selection :
       {Selection{"sha256", 1U << 7}, Selection{"sha256", 1U << 7 | 1U << 8},
        Selection{"sha256", 0xffffff}, Selection{"sha384", 1U << 0 | 1U << 12},
        Selection{"sha512", 1U << 23}, Selection{"sha1", 1U << 4 | 1U << 16}}) {
    PcrPolicy policy = PolicyOfNow(tpm, selection);
    TpmObject session = StartSession(tpm, TPM2_SE_TRIAL);
    ASSERT_THAT(AssertPcrPolicy(tpm, session.tr(), policy), Succeeds());
    EXPECT_EQ(DigestOfSession(tpm, session), Copy(ExtendDigest({}, policy)))
        << selection.bank << " " << selection.mask;
  }
}

TEST_F(PolicyTest, HoldsAsLongAsThePcrsDo) {
  Tpm tpm = ConnectTo(swtpm());
  PcrPolicy policy = PolicyOfNow(tpm, {"sha256", 1U << 7 | 1U << 8});
  TpmObject session = StartSession(tpm, TPM2_SE_POLICY);
  EXPECT_THAT(AssertPcrPolicy(tpm, session.tr(), policy), Succeeds());

  ExtendPcr(tpm, 8, Sha256Bank());
  TpmObject later = StartSession(tpm, TPM2_SE_POLICY);
  EXPECT_THAT(
      AssertPcrPolicy(tpm, later.tr(), policy),
      FailsWith(Errc::kPolicyMismatch, "do not hold the approved values; PCR 8 (sha256) differs"));
}

TEST_F(PolicyTest, EachPcrThatDiffersIsNamedAsFarAsItCanBeTold) {
  Tpm tpm = ConnectTo(swtpm());
  PcrPolicy policy = PolicyOfNow(tpm, {"sha384", 1U << 3 | 1U << 7 | 1U << 8});
  for (unsigned pcr : {3, 8}) ExtendPcr(tpm, pcr, *FindPcrBank("sha384"));
  TpmObject session = StartSession(tpm, TPM2_SE_POLICY);
  EXPECT_THAT(AssertPcrPolicy(tpm, session.tr(), policy),
              FailsWith(Errc::kPolicyMismatch, "; PCR 3, 8 (sha384) differs"));
  policy.beginnings.clear();
  Result<void> untold = AssertPcrPolicy(tpm, session.tr(), policy);
  ASSERT_THAT(untold, FailsWith(Errc::kPolicyMismatch));
  EXPECT_EQ(untold.error().message, "the PCRs do not hold the approved values");
}

}  // namespace
}  // namespace nvunlock
