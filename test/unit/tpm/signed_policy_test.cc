// SPDX-License-Identifier: Apache-2.0
#include "tpm/signed_policy.h"

#include <gmock/gmock.h>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/sealing_tpm.h"
#include "test/unit/support/signer.h"
#include "tpm/session.h"

namespace nvunlock {
namespace {

constexpr uint32_t kPcr11 = 1U << 11;

/// A TPMT_PUBLIC of 2048 bits.
Bytes PublicArea(const RsaKey& key) {
  return Concatenate({Hex("0001000b00060040"), Hex("0000"),  // RSA, SHA-256, attributes
                      Hex("00100010080000000000"), Hex("0100"), key.modulus});
}

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
  static PcrSignatures SignedNow(SealingTpm& us, const std::string& reference = "") {
    PcrValues values = Must(ReadPcrs(us.tpm, Sha256Bank(), kPcr11));
    return {.keys = {signer_->key()}, .signatures = {signer_->Sign(values, reference)}};
  }

  static Result<void> Assert(SealingTpm& us, const SignedPolicy& policy,
                             const PcrSignatures& known) {
    TpmObject session = Must(StartPolicySession(us.tpm, us.parent));
    return AssertSignedPolicy(us.tpm, session.tr(), policy, known);
  }

  static inline std::unique_ptr<Signer> signer_;
};

TEST_F(SignedPolicyTest, TheSoftwareDigestIsThatOfTpm2Tools) {
  SignedPolicy policy = signer_->PolicyOn(kPcr11, "initrd");
  // A TPM2B_PUBLIC: of a PEM file the tools would spell out the exponent.
  Bytes area = PublicArea(signer_->key());
  TemporaryDirectory directory;
  std::string file =
      directory.Write("area", AsText(Concatenate({BigEndian(area.size(), 2), area})));
  std::string digest = swtpm().RunTools(
      "tpm2_loadexternal -Q -C o -u " + file +
      " -c k.ctx -n k.name && tpm2_flushcontext -t && "
      "tpm2_startauthsession -S s && printf initrd >ref && "
      "tpm2_policyauthorize -Q -S s -L out -q ref -n k.name && tpm2_flushcontext s && "
      "od -An -v -tx1 out | tr -d ' \\n'");
  EXPECT_EQ(digest, ToHex(DigestOf(policy)));
}

TEST_F(SignedPolicyTest, ADigestComputedByHand) {
  RsaKey key = {.modulus = Bytes(256, 0xc5), .exponent = 65537};
  SignedPolicy policy = {.pcrs = {}, .key_name = NameOfKey(key), .reference = {}};
  Bytes name = Concatenate({Hex("000b"), Copy(Sha256({PublicArea(key)}))});
  EXPECT_EQ(policy.key_name, name);
  Sha256Digest first = Sha256({Bytes(32), Hex("0000016a"), name});
  EXPECT_EQ(ToHex(DigestOf(policy)), ToHex(Sha256({first})));
}

TEST_F(SignedPolicyTest, TheSoftwareDigestIsTheTpms) {
  SealingTpm us = Us();
  for (const char* reference : {"", "initrd"}) {
    SignedPolicy policy = signer_->PolicyOn(kPcr11, reference);
    TpmObject session = Must(StartPolicySession(us.tpm, us.parent));
    Must(AssertSignedPolicy(us.tpm, session.tr(), policy, SignedNow(us, reference)));
    EXPECT_EQ(us.DigestIn(session), Copy(DigestOf(policy))) << reference;
  }
}

TEST_F(SignedPolicyTest, OpensForWhateverIsSigned) {
  SealingTpm us = Us();
  const Secret secret = SampleSecret(32);
  Policy policy = us.MakePolicy({.pcrs = {}, .branches = {{signer_->PolicyOn(kPcr11)}}});
  SealedObject sealed = us.SealUnder(policy, secret);
  auto open = [&](const PcrSignatures& signatures) {
    return Unseal(us.tpm, us.parent, sealed, policy, {.signatures = &signatures});
  };
  PcrSignatures before = SignedNow(us);
  EXPECT_TRUE(Must(open(before)).secret.Equals(secret));
  ExtendPcr(us.tpm, 11, Sha256Bank());
  EXPECT_THAT(open(before), FailsWith(Errc::kNoSignature, "for what was booted"));
  EXPECT_TRUE(Must(open(SignedNow(us))).secret.Equals(secret));
}

TEST_F(SignedPolicyTest, WithoutAnySignatureOrWithoutTheKeyItSaysSo) {
  SealingTpm us = Us();
  SignedPolicy policy = signer_->PolicyOn(kPcr11);
  PcrSignatures known = SignedNow(us);
  EXPECT_THAT(Assert(us, policy, {.keys = known.keys, .signatures = {}}),
              FailsWith(Errc::kNoSignature, "no PCR signature by the approved key was found"));
  EXPECT_THAT(Assert(us, policy, {.keys = {}, .signatures = known.signatures}),
              FailsWith(Errc::kNoSignature, "the key whose signatures are approved"));
}

TEST_F(SignedPolicyTest, OtherKeysAndTheirSignaturesDoNotHinder) {
  SealingTpm us = Us();
  Signer other;
  PcrSignatures known = SignedNow(us);
  PcrValues values = Must(ReadPcrs(us.tpm, Sha256Bank(), kPcr11));
  known.keys.insert(known.keys.begin(), other.key());
  known.signatures.insert(known.signatures.begin(), other.Sign(values));
  EXPECT_THAT(Assert(us, signer_->PolicyOn(kPcr11), known), Succeeds());
}

TEST_F(SignedPolicyTest, ASignatureByAnotherKeyDoesNotHold) {
  SealingTpm us = Us();
  PcrSignatures known = SignedNow(us);
  Signer other;
  known.keys.push_back(other.key());
  EXPECT_THAT(Assert(us, other.PolicyOn(kPcr11), known), FailsWith(Errc::kNoSignature));
}

TEST_F(SignedPolicyTest, ASignatureForAnotherReferenceDoesNotHold) {
  SealingTpm us = Us();
  PcrSignatures known = SignedNow(us, "initrd");
  EXPECT_THAT(Assert(us, signer_->PolicyOn(kPcr11, "initrd"), known), Succeeds());
  for (const char* reference : {"", "initrd2"}) {
    EXPECT_THAT(Assert(us, signer_->PolicyOn(kPcr11, reference), known),
                FailsWith(Errc::kNoSignature))
        << reference;
  }
}

TEST_F(SignedPolicyTest, LeavesNothingInTheTpm) {
  SealingTpm us = Us();
  for (int i = 0; i < 10; i++) {
    EXPECT_THAT(Assert(us, signer_->PolicyOn(kPcr11), SignedNow(us)), Succeeds());
  }
}

}  // namespace
}  // namespace nvunlock
