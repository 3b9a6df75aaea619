// SPDX-License-Identifier: Apache-2.0
#include "src/seal/resolve_pcrs.h"

#include <gtest/gtest.h>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/swtpm.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {
namespace {

constexpr Coverage kWeak = {.weak_policy = true};
constexpr Coverage kStrict = {};
constexpr Coverage kChoose = {.choose = true};

/// The TPM of a machine that booted with GRUB: 4, 7, 8 and 9 hold measurements.
class ResolvePcrsTest : public SwtpmTest {
 protected:
  static void SetUpTestSuite() {
    SwtpmTest::SetUpTestSuite();
    Tpm tpm = ConnectTo(swtpm());
    for (unsigned pcr : {4, 7, 8, 9}) ExtendPcr(tpm, pcr, Sha256Bank());
  }

  [[nodiscard]] static Result<ResolvedPcrs> Resolve(std::string_view terms,
                                                    const std::optional<PcrRecord>& record = {},
                                                    const Coverage& coverage = kWeak) {
    Tpm tpm = ConnectTo(swtpm());
    PcrTerms parsed = terms.empty() ? PcrTerms() : Must(ParsePcrTerms(terms));
    return ResolvePcrs(tpm, parsed, record, coverage);
  }

  [[nodiscard]] static Bytes Current(unsigned pcr) {
    Tpm tpm = ConnectTo(swtpm());
    return Must(ReadPcrs(tpm, Sha256Bank(), 1U << pcr))[pcr];
  }
};

const std::optional<PcrRecord> kRecord =
    PcrRecord{.in_initramfs = true, .banks = {{"sha256", {{8, Bytes(32, 8)}, {9, Bytes(32, 9)}}}}};

TEST_F(ResolvePcrsTest, StablePcrsAreTakenAsTheyAre) {
  ResolvedPcrs resolved = Must(Resolve("7+8"));
  EXPECT_STREQ(resolved.bank->name, "sha256");
  EXPECT_EQ(resolved.values, (PcrValues{{7, Current(7)}, {8, Current(8)}}));
}

TEST_F(ResolvePcrsTest, TheValueAtTheUnlockCountsMoreThanTheCurrentOne) {
  EXPECT_EQ(Must(Resolve("7+8", kRecord)).values, (PcrValues{{7, Current(7)}, {8, Bytes(32, 8)}}));
}

TEST_F(ResolvePcrsTest, ADigestThatIsGivenCountsMost) {
  EXPECT_EQ(Must(Resolve("8:sha256=" + std::string(64, 'a'), kRecord)).values,
            (PcrValues{{8, Bytes(32, 0xaa)}}));
}

TEST_F(ResolvePcrsTest, PcrsThatTheBootingSystemExtendsNeedARecordOrADigestToHaveAValue) {
  for (unsigned pcr : {9, 11, 12, 13, 14, 15}) {
    ResolvedPcrs resolved = Must(Resolve("8+" + std::to_string(pcr)));
    EXPECT_FALSE(resolved.values) << pcr;
    EXPECT_TRUE(resolved.terms.pcrs.contains(pcr));
  }
  EXPECT_TRUE(Must(Resolve("8+9", kRecord)).values);
  EXPECT_TRUE(Must(Resolve("8+9:sha256=" + std::string(64, 'a'))).values);
}

TEST_F(ResolvePcrsTest, ARecordOfAnotherBankDoesNotCount) {
  PcrRecord other = {.in_initramfs = true, .banks = {{"sha384", {{9, Bytes(48, 9)}}}}};
  EXPECT_FALSE(Must(Resolve("8+9:sha256", other)).values);
}

TEST_F(ResolvePcrsTest, WithoutTermsThoseOfTheBootLoaderAreChosen) {
  ResolvedPcrs resolved = Must(Resolve("", kRecord, kChoose));
  EXPECT_EQ(MaskOf(resolved.terms), 1U << 4 | 1U << 7 | 1U << 8 | 1U << 9);
  EXPECT_EQ(resolved.values,
            (PcrValues{{4, Current(4)}, {7, Current(7)}, {8, Bytes(32, 8)}, {9, Bytes(32, 9)}}));
  EXPECT_FALSE(Must(Resolve("", {}, kChoose)).values);
}

TEST_F(ResolvePcrsTest, WhereSignaturesCoverTheBootNoneIsNeededBeside) {
  ResolvedPcrs resolved = Must(Resolve("", {}, {.by_signature = true}));
  EXPECT_TRUE(resolved.terms.pcrs.empty());
  EXPECT_FALSE(resolved.values);
  EXPECT_STREQ(resolved.bank->name, "sha256");
  EXPECT_THAT(Resolve("7", {}, {.by_signature = true}), Succeeds());
}

TEST_F(ResolvePcrsTest, ABankIntoWhichNothingWasMeasuredIsRefused) {
  for (const char* terms : {"7+8:sha384", "0+1", "17"}) {
    EXPECT_THAT(Resolve(terms), FailsWith(Errc::kFailed, "nothing has been measured")) << terms;
  }
}

TEST_F(ResolvePcrsTest, APolicyThatDoesNotCoverTheBootIsRefusedUnlessItIsAskedFor) {
  EXPECT_THAT(Resolve("4+7", {}, kStrict), FailsWith(Errc::kFailed, "--weak-policy"));
  EXPECT_THAT(Resolve("4+7"), Succeeds());
  EXPECT_THAT(Resolve("4+8+9", kRecord, kStrict), Succeeds());
  EXPECT_THAT(Resolve("4+8+9", {}, kStrict), Succeeds());
}

/// The record says what the boot loader has measured: what came later does not cover it.
TEST_F(ResolvePcrsTest, APcrThatHeldNothingAtTheUnlockCoversNothing) {
  PcrRecord record = {.in_initramfs = true, .banks = {{"sha256", {{9, Bytes(32)}}}}};
  EXPECT_THAT(Resolve("4+8+9", record, kStrict), FailsWith(Errc::kFailed, "an initramfs"));
}

TEST(ResolvePcrsOfAUkiTest, AnEmptyCommandLinePcrSaysThatThereWasNoOther) {
  Swtpm swtpm;
  Tpm tpm = ConnectTo(swtpm);
  for (unsigned pcr : {4, 7, 11}) ExtendPcr(tpm, pcr, Sha256Bank());
  PcrRecord record = {.in_initramfs = true, .banks = {{"sha256", {{12, Bytes(32)}}}}};
  ResolvedPcrs resolved = Must(ResolvePcrs(tpm, Must(ParsePcrTerms("4+12")), record, kStrict));
  EXPECT_EQ(resolved.values->size(), 2U);
  EXPECT_THAT(ResolvePcrs(tpm, Must(ParsePcrTerms("7+12")), record, kStrict),
              FailsWith(Errc::kFailed, "--weak-policy"));
  EXPECT_EQ(MaskOf(Must(ResolvePcrs(tpm, {}, record, kChoose)).terms),
            1U << 4 | 1U << 7 | 1U << 11 | 1U << 12);
}

TEST(ResolvePcrsOfOneBankTest, AnInactiveBankIsRefusedAndTheActiveOneFound) {
  Swtpm swtpm("sha384");
  Tpm tpm = ConnectTo(swtpm);
  ExtendPcr(tpm, 8, *FindPcrBank("sha384"));
  EXPECT_THAT(ResolvePcrs(tpm, Must(ParsePcrTerms("8:sha256")), {}, kWeak),
              FailsWith(Errc::kFailed, "PCR bank sha256 is not active"));
  EXPECT_STREQ(Must(ResolvePcrs(tpm, Must(ParsePcrTerms("8")), {}, kWeak)).bank->name, "sha384");
}

}  // namespace
}  // namespace nvunlock
