// SPDX-License-Identifier: Apache-2.0
#include "src/model/pcr_signature.h"

#include <gmock/gmock.h>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/signer.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

const PcrValues kValues = {{11, Bytes(32, 0x11)}};
const PcrValues kOtherValues = {{11, Bytes(32, 0x22)}};
const PcrValues kTwoPcrs = {{11, Bytes(32, 0x11)}, {12, Bytes(32, 0)}};

class PcrSignatureTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { signer_ = std::make_unique<Signer>(); }
  static void TearDownTestSuite() { signer_.reset(); }

  /// Whether JSON holds a signature of the key for VALUES.
  static bool Fits(const std::string& json, const PcrValues& values,
                   const std::string& reference = "") {
    PcrSignatures known = {.keys = {signer_->key()}, .signatures = Must(ParsePcrSignatures(json))};
    return IsFoundIn(known, values, reference);
  }
  static bool IsFoundIn(const PcrSignatures& known, const PcrValues& values,
                        const std::string& reference = "") {
    SignedPolicy policy = signer_->PolicyOn(1U << 11, reference);
    Sha256Digest digest = SignedDigest(PolicyForValues(Sha256Bank(), values));
    return FindSignature(policy, digest, known).has_value();
  }

  static std::vector<PolicySignature> Parse(const std::string& json) {
    return Must(ParsePcrSignatures(json));
  }

  static inline std::unique_ptr<Signer> signer_;
};

TEST_F(PcrSignatureTest, ReadsWhatTheKeyHasSigned) {
  std::string json = Signer::FileOf({signer_->EntryFor(kValues), signer_->EntryFor(kOtherValues)});
  std::vector<PolicySignature> read = Parse(json);
  ASSERT_THAT(read, SizeIs(2));
  EXPECT_EQ(read[0].policy, SignedDigest(PolicyForValues(Sha256Bank(), kValues)));
  EXPECT_EQ(read[0].signature, signer_->Sign(kValues).signature);
  EXPECT_EQ(read[1].policy, SignedDigest(PolicyForValues(Sha256Bank(), kOtherValues)));
  EXPECT_TRUE(Fits(json, kValues));
  EXPECT_TRUE(Fits(json, kOtherValues));
}

TEST_F(PcrSignatureTest, OtherKeysOtherPcrsAndOtherReferencesDoNotFit) {
  EXPECT_FALSE(Fits(Signer::FileOf({Signer().EntryFor(kValues)}), kValues));
  EXPECT_FALSE(Fits(Signer::FileOf({signer_->EntryFor(kTwoPcrs)}), kValues));
  EXPECT_FALSE(Fits(Signer::FileOf({signer_->EntryFor(kValues, "initrd")}), kValues));
  EXPECT_FALSE(Fits(Signer::FileOf({signer_->EntryFor(kValues)}), kValues, "initrd"));
  EXPECT_TRUE(Fits(Signer::FileOf({signer_->EntryFor(kValues, "initrd")}), kValues, "initrd"));
}

TEST_F(PcrSignatureTest, OfTwoForTheSameValuesTheOneByTheKeyIsFound) {
  std::string json = Signer::FileOf({Signer().EntryFor(kValues), signer_->EntryFor(kValues)});
  EXPECT_TRUE(Fits(json, kValues));
}

TEST_F(PcrSignatureTest, PassesOverBanksThatAreNotKnown) {
  std::string entry = signer_->EntryFor(kValues);
  EXPECT_THAT(Parse("{\"future\":[" + entry + "],\"x\":1}"), IsEmpty());
  EXPECT_THAT(Parse("{\"sha1\":[" + entry + "],\"sha384\":[" + entry + "]}"), SizeIs(2));
}

TEST_F(PcrSignatureTest, ASignatureOfWhichAnythingIsChangedDoesNotFit) {
  PcrSignatures known = {.keys = {signer_->key()}, .signatures = {signer_->Sign(kValues)}};
  ASSERT_TRUE(IsFoundIn(known, kValues));
  const PolicySignature signature = known.signatures[0];
  for (size_t i : {size_t{0}, size_t{100}, signature.signature.size() - 1}) {
    known.signatures[0] = signature;
    known.signatures[0].signature[i] ^= 1;
    EXPECT_FALSE(IsFoundIn(known, kValues)) << i;
  }
  known.signatures[0] = signature;
  known.signatures[0].signature.clear();
  EXPECT_FALSE(IsFoundIn(known, kValues));
  // It is for other values than it says.
  known.signatures[0] = signature;
  known.signatures[0].policy = SignedDigest(PolicyForValues(Sha256Bank(), kOtherValues));
  EXPECT_FALSE(IsFoundIn(known, kOtherValues));
}

TEST_F(PcrSignatureTest, IgnoresZerosAtTheEnd) {
  std::string json = Signer::FileOf({signer_->EntryFor(kValues)}) + std::string(100, '\0');
  EXPECT_TRUE(Fits(json, kValues));
}

TEST_F(PcrSignatureTest, PassesOverMalformedEntries) {
  std::string good = signer_->EntryFor(kValues);
  const std::string digest(64, 'a');
  for (const std::string& bad :
       {std::string("1"), std::string("null"), std::string("[]"), std::string("{}"),
        std::string(R"({"pol":"00","sig":"AAAA"})"), std::string(R"({"pol":1,"sig":2})"),
        std::string(R"({"pol":"","sig":""})"), R"({"pol":")" + digest + R"(","sig":""})",
        R"({"pol":")" + digest + R"(","sig":"*"})", R"({"pol":")" + digest + R"("})",
        R"({"pol":")" + digest + R"(aa","sig":"AAAA"})"}) {
    EXPECT_THAT(Parse("{\"sha256\":[" + bad + "," + good + "]}"), SizeIs(1)) << bad;
  }
}

/// What is signed is the digest: the list of PCRs is for people.
TEST_F(PcrSignatureTest, TheListOfPcrsDecidesNothing) {
  std::string entry = signer_->EntryFor(kValues);
  size_t at = entry.find("[11]");
  for (const char* pcrs : {"[]", "[24]", "11", "[12]"}) {
    std::string changed = entry;
    EXPECT_TRUE(Fits(Signer::FileOf({changed.replace(at, 4, pcrs)}), kValues)) << pcrs;
  }
}

TEST_F(PcrSignatureTest, RefusesWhatIsNoSignatureFile) {
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("[]"), std::string("{\"sha256\":1}"),
        std::string("{\"sha256\":["), std::string(kPcrSignatureLimit + 1, ' ')}) {
    EXPECT_THAT(ParsePcrSignatures(text), FailsWith(Errc::kFailed)) << text.substr(0, 20);
  }
}

TEST_F(PcrSignatureTest, EveryTruncationIsRefused) {
  std::string json = Signer::FileOf({signer_->EntryFor(kValues)});
  for (size_t size = 0; size < json.size(); size++) {
    EXPECT_THAT(ParsePcrSignatures(json.substr(0, size)), FailsWith(Errc::kFailed)) << size;
  }
}

}  // namespace
}  // namespace nvunlock
