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

  static std::vector<PolicySignature> Fitting(const std::string& json,
                                              const std::string& reference = "") {
    return SignaturesFor(signer_->PolicyOn(1U << 11, reference), Must(ParsePcrSignatures(json)));
  }

  static inline std::unique_ptr<Signer> signer_;
};

TEST_F(PcrSignatureTest, FindsWhatTheKeyHasSigned) {
  std::string json = Signer::FileOf({signer_->EntryFor(kValues), signer_->EntryFor(kOtherValues)});
  std::vector<PolicySignature> fitting = Fitting(json);
  ASSERT_THAT(fitting, SizeIs(2));
  EXPECT_EQ(fitting[0].policy, ApprovedDigest(PolicyForValues(Sha256Bank(), kValues)));
  EXPECT_EQ(fitting[1].policy, ApprovedDigest(PolicyForValues(Sha256Bank(), kOtherValues)));
}

TEST_F(PcrSignatureTest, PassesOverOtherKeysOtherPcrsAndOtherReferences) {
  EXPECT_THAT(Fitting(Signer::FileOf({Signer().EntryFor(kValues)})), IsEmpty());
  EXPECT_THAT(Fitting(Signer::FileOf({signer_->EntryFor(kTwoPcrs)})), IsEmpty());
  EXPECT_THAT(Fitting(Signer::FileOf({signer_->EntryFor(kValues, "initrd")})), IsEmpty());
  EXPECT_THAT(Fitting(Signer::FileOf({signer_->EntryFor(kValues)}), "initrd"), IsEmpty());
  EXPECT_THAT(Fitting(Signer::FileOf({signer_->EntryFor(kValues, "initrd")}), "initrd"), SizeIs(1));
}

TEST_F(PcrSignatureTest, PassesOverOtherBanks) {
  std::string entry = signer_->EntryFor(kValues);
  EXPECT_THAT(Fitting("{\"sha1\":[" + entry + "],\"future\":[" + entry + "]}"), IsEmpty());
}

TEST_F(PcrSignatureTest, PassesOverASignatureOfWhichAnythingIsChanged) {
  PolicySignature signature = signer_->Sign(kValues);
  SignedPolicy policy = signer_->PolicyOn(1U << 11);
  ASSERT_TRUE(IsSignedFor(policy, signature));
  for (size_t i : {size_t{0}, size_t{100}, signature.signature.size() - 1}) {
    PolicySignature changed = signature;
    changed.signature[i] ^= 1;
    EXPECT_FALSE(IsSignedFor(policy, changed)) << i;
  }
  PolicySignature changed = signature;
  changed.policy[0] ^= 1;
  EXPECT_FALSE(IsSignedFor(policy, changed));
  changed = signature;
  changed.signature.clear();
  EXPECT_FALSE(IsSignedFor(policy, changed));
}

TEST_F(PcrSignatureTest, IgnoresZerosAtTheEnd) {
  std::string json = Signer::FileOf({signer_->EntryFor(kValues)}) + std::string(100, '\0');
  EXPECT_THAT(Fitting(json), SizeIs(1));
}

TEST_F(PcrSignatureTest, PassesOverMalformedEntries) {
  std::string good = signer_->EntryFor(kValues);
  for (const char* bad :
       {"1", "null", "[]", "{}", R"({"pcrs":11})", R"({"pcrs":[]})", R"({"pcrs":[24]})",
        R"({"pcrs":[-1]})", R"({"pcrs":["11"]})", R"({"pcrs":[11],"pol":"00","sig":"AAAA"})",
        R"({"pcrs":[11],"pol":1,"sig":2})", R"({"pcrs":[4294967307],"pol":"","sig":""})"}) {
    EXPECT_THAT(Fitting("{\"sha256\":[" + std::string(bad) + "," + good + "]}"), SizeIs(1)) << bad;
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
