// SPDX-License-Identifier: Apache-2.0
#include "tpm/signed_policy.h"

#include <gmock/gmock.h>

#include "src/model/pcr_signature.h"
#include "test/unit/support/byte_strings.h"
#include "test/unit/support/commands.h"
#include "test/unit/support/sealing_tpm.h"
#include "test/unit/support/signer.h"
#include "tpm/session.h"

namespace nvunlock {
namespace {

using testing::HasSubstr;

constexpr uint32_t kPcr11 = 1U << 11;

class SignedPolicyTest : public SwtpmTest {
 protected:
  static void SetUpTestSuite() {
    SwtpmTest::SetUpTestSuite();
    signer_ = std::make_unique<Signer>();
  }
  static void TearDownTestSuite() {
    signer_.reset();
    SwtpmTest::TearDownTestSuite();
  }

  static SealingTpm Us() { return SealingTpm(swtpm().device()); }

  /// What an image brings that SIGNER_ has signed for the values of now.
  static SignedPolicy SignedNow(SealingTpm& us, const std::string& reference = "") {
    SignedPolicy policy = signer_->PolicyOn(kPcr11, reference);
    PcrValues values = Must(ReadPcrs(us.tpm, Sha256Bank(), kPcr11));
    policy.signatures = {signer_->Sign(values, reference)};
    return policy;
  }

  static Result<void> Assert(SealingTpm& us, const SignedPolicy& policy) {
    TpmObject session = Must(StartPolicySession(us.tpm, us.parent));
    return AssertSignedPolicy(us.tpm, session.tr(), policy);
  }

  static inline std::unique_ptr<Signer> signer_;
};

TEST_F(SignedPolicyTest, TheSoftwareDigestIsThatOfTpm2Tools) {
  SignedPolicy policy = signer_->PolicyOn(kPcr11, "initrd");
  // It starts with the TPM2B_PUBLIC. (Of a PEM file the tools would spell out the exponent.)
  TemporaryDirectory directory;
  std::string area = directory.Write("area", AsText(EncodeAuthorization(policy)));
  std::string digest = swtpm().RunTools(
      "tpm2_loadexternal -Q -C o -u " + area +
      " -c k.ctx -n k.name && tpm2_flushcontext -t && "
      "tpm2_startauthsession -S s && printf initrd >ref && "
      "tpm2_policyauthorize -Q -S s -L out -q ref -n k.name && tpm2_flushcontext s && "
      "od -An -v -tx1 out | tr -d ' \\n'");
  EXPECT_EQ(digest, ToHex(DigestOf(policy)));
}

TEST_F(SignedPolicyTest, ADigestComputedByHand) {
  RsaKey key = {.modulus = Bytes(256, 0xc5), .exponent = 65537};
  SignedPolicy policy = {.pcrs = {}, .key = key, .reference = {}, .signatures = {}};
  Bytes area = Concatenate({Hex("0001000b00060040"), Hex("0000"),  // RSA, SHA-256, attributes
                            Hex("00100010080000000000"), Hex("0100"), key.modulus});
  Bytes name = Concatenate({Hex("000b"), Copy(Sha256({area}))});
  Sha256Digest first = Sha256({Bytes(32), Hex("0000016a"), name});
  EXPECT_EQ(ToHex(DigestOf(policy)), ToHex(Sha256({first})));
}

TEST_F(SignedPolicyTest, OpensForWhateverIsSigned) {
  SealingTpm us = Us();
  const Secret secret = SampleSecret(32);
  Policy policy = {.signed_pcrs = SignedNow(us)};
  SealedObject sealed = Must(Seal(us.tpm, us.parent, secret, policy));
  EXPECT_TRUE(Must(Unseal(us.tpm, us.parent, sealed, policy)).Equals(secret));
  ExtendPcr(us.tpm, 11, Sha256Bank());
  EXPECT_THAT(Unseal(us.tpm, us.parent, sealed, policy), FailsWith(Errc::kNoSignature));
  policy.signed_pcrs = SignedNow(us);
  EXPECT_TRUE(Must(Unseal(us.tpm, us.parent, sealed, policy)).Equals(secret));
}

TEST_F(SignedPolicyTest, WithoutAnySignatureItSaysSo) {
  SealingTpm us = Us();
  SignedPolicy policy = signer_->PolicyOn(kPcr11);
  Result<void> asserted = Assert(us, policy);
  EXPECT_THAT(asserted, FailsWith(Errc::kNoSignature));
  EXPECT_THAT(asserted.error().message, HasSubstr("was found"));
}

TEST_F(SignedPolicyTest, TheTpmItselfRefusesASignatureByAnotherKey) {
  SealingTpm us = Us();
  SignedPolicy policy = SignedNow(us);
  policy.key = Signer().key();
  EXPECT_THAT(Assert(us, policy), FailsWith(Errc::kFailed));
}

TEST_F(SignedPolicyTest, TheTpmItselfRefusesASignatureForAnotherReference) {
  SealingTpm us = Us();
  SignedPolicy policy = SignedNow(us, "initrd");
  EXPECT_THAT(Assert(us, policy), Succeeds());
  policy.reference.clear();
  EXPECT_THAT(Assert(us, policy), FailsWith(Errc::kFailed));
}

TEST_F(SignedPolicyTest, LeavesNothingInTheTpm) {
  SealingTpm us = Us();
  for (int i = 0; i < 10; i++) EXPECT_THAT(Assert(us, SignedNow(us)), Succeeds());
}

TEST(SignedPolicyEncodingTest, IsReadBack) {
  Signer signer;
  for (const char* reference : {"", "initrd"}) {
    SignedPolicy policy = signer.PolicyOn(kPcr11 | 1U << 12, reference);
    SignedPolicy read =
        Must(DecodeSignedPolicy(EncodeSelection(policy.pcrs), EncodeAuthorization(policy)));
    EXPECT_EQ(read.key, policy.key);
    EXPECT_EQ(read.reference, policy.reference);
    EXPECT_EQ(EncodeSelection(read.pcrs), EncodeSelection(policy.pcrs));
    EXPECT_EQ(DigestOf(read), DigestOf(policy));
  }
}

TEST(SignedPolicyEncodingTest, RefusesWhatIsCutTooLongOrOfAnotherKind) {
  SignedPolicy policy = Signer().PolicyOn(kPcr11, "initrd");
  const Bytes selection = EncodeSelection(policy.pcrs);
  const Bytes authorization = EncodeAuthorization(policy);
  for (size_t size = 0; size < authorization.size(); size++) {
    EXPECT_THAT(DecodeSignedPolicy(selection, ByteView(authorization).first(size)),
                FailsWith(Errc::kBadKeyFile))
        << size;
  }
  for (size_t size = 0; size < selection.size(); size++) {
    EXPECT_THAT(DecodeSignedPolicy(ByteView(selection).first(size), authorization),
                FailsWith(Errc::kBadKeyFile))
        << size;
  }
  EXPECT_THAT(DecodeSignedPolicy(selection, Concatenate({authorization, Bytes(1)})),
              FailsWith(Errc::kBadKeyFile));
  EXPECT_THAT(DecodeSignedPolicy(Concatenate({selection, Bytes(1)}), authorization),
              FailsWith(Errc::kBadKeyFile));
  // Size, type, name algorithm, attributes, scheme, key bits: all but exponent and modulus.
  for (size_t i = 0; i < 18; i++) {
    Bytes changed = authorization;
    changed[i] ^= 0x40;
    EXPECT_THAT(DecodeSignedPolicy(selection, changed), FailsWith(Errc::kBadKeyFile)) << i;
  }
}

TEST(SignedPolicyEncodingTest, RefusesTwoSelections) {
  SignedPolicy policy = Signer().PolicyOn(kPcr11);
  TPML_PCR_SELECTION two = policy.pcrs;
  two.pcrSelections[two.count++] = SelectPcrs(*FindPcrBank("sha1"), kPcr11);
  EXPECT_THAT(DecodeSignedPolicy(EncodeSelection(two), EncodeAuthorization(policy)),
              FailsWith(Errc::kBadKeyFile));
}

}  // namespace
}  // namespace nvunlock
