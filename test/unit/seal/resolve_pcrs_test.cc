// SPDX-License-Identifier: Apache-2.0
#include "src/seal/resolve_pcrs.h"

#include <gtest/gtest.h>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/swtpm.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {
namespace {

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
                                                    bool weak_policy = false) {
    Tpm tpm = ConnectTo(swtpm());
    return ResolvePcrs(tpm, Must(ParsePcrTerms(terms)), record, weak_policy);
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
  EXPECT_TRUE(resolved.hold_now);
}

TEST_F(ResolvePcrsTest, TheValueAtTheUnlockCountsMoreThanTheCurrentOne) {
  ResolvedPcrs resolved = Must(Resolve("7+8", kRecord));
  EXPECT_EQ(resolved.values, (PcrValues{{7, Current(7)}, {8, Bytes(32, 8)}}));
  EXPECT_FALSE(resolved.hold_now);
}

TEST_F(ResolvePcrsTest, ADigestThatIsGivenCountsMost) {
  ResolvedPcrs resolved = Must(Resolve("8:sha256=" + std::string(64, 'a'), kRecord));
  EXPECT_EQ(resolved.values, (PcrValues{{8, Bytes(32, 0xaa)}}));
  EXPECT_FALSE(resolved.hold_now);
}

TEST_F(ResolvePcrsTest, AGivenDigestThatHoldsNowIsSeenToHold) {
  EXPECT_TRUE(Must(Resolve("8:sha256=" + ToHex(Current(8)))).hold_now);
}

TEST_F(ResolvePcrsTest, PcrsThatTheBootingSystemExtendsNeedARecordOrADigest) {
  EXPECT_THAT(Resolve("8+9"), FailsWith(Errc::kFailed, "PCR 9 has changed since the initramfs"));
  EXPECT_THAT(Resolve("8+9", kRecord), Succeeds());
  EXPECT_THAT(Resolve("8+9:sha256=" + std::string(64, 'a')), Succeeds());
}

TEST_F(ResolvePcrsTest, ARecordOfAnotherBankDoesNotCount) {
  PcrRecord other = {.in_initramfs = true, .banks = {{"sha384", {{9, Bytes(48, 9)}}}}};
  EXPECT_THAT(Resolve("8+9:sha256", other), FailsWith(Errc::kFailed, "PCR 9"));
}

TEST_F(ResolvePcrsTest, ABankIntoWhichNothingWasMeasuredIsRefused) {
  EXPECT_THAT(Resolve("7+8:sha384"), FailsWith(Errc::kFailed, "nothing has been measured"));
  EXPECT_THAT(Resolve("0+1"), FailsWith(Errc::kFailed, "nothing has been measured"));
  EXPECT_THAT(Resolve("17", {}, true), FailsWith(Errc::kFailed, "nothing has been measured"));
}

TEST_F(ResolvePcrsTest, APolicyThatCoversNeitherInitrdNorCommandLineIsRefused) {
  EXPECT_THAT(Resolve("4+7"), FailsWith(Errc::kFailed, "--weak-policy"));
  EXPECT_THAT(Resolve("4+7", {}, /*weak_policy=*/true), Succeeds());
}

TEST_F(ResolvePcrsTest, APcrThatHoldsNothingCoversNothing) {
  PcrRecord record = {.in_initramfs = true, .banks = {{"sha256", {{12, Bytes(32)}}}}};
  EXPECT_THAT(Resolve("7+12", record), FailsWith(Errc::kFailed, "--weak-policy"));
}

TEST(ResolvePcrsOfAUkiTest, AnEmptyCommandLinePcrSaysThatThereWasNoOther) {
  Swtpm swtpm;
  Tpm tpm = ConnectTo(swtpm);
  for (unsigned pcr : {7, 11}) ExtendPcr(tpm, pcr, Sha256Bank());
  PcrRecord record = {.in_initramfs = true, .banks = {{"sha256", {{12, Bytes(32)}}}}};
  ResolvedPcrs resolved = Must(ResolvePcrs(tpm, Must(ParsePcrTerms("7+12")), record, false));
  EXPECT_EQ(resolved.values.size(), 2U);
  EXPECT_TRUE(resolved.hold_now);
}

TEST(ResolvePcrsOfOneBankTest, AnInactiveBankIsRefusedAndTheActiveOneFound) {
  Swtpm swtpm("sha384");
  Tpm tpm = ConnectTo(swtpm);
  ExtendPcr(tpm, 8, *FindPcrBank("sha384"));
  EXPECT_THAT(ResolvePcrs(tpm, Must(ParsePcrTerms("8:sha256")), {}, false),
              FailsWith(Errc::kFailed, "PCR bank sha256 is not active"));
  EXPECT_STREQ(Must(ResolvePcrs(tpm, Must(ParsePcrTerms("8")), {}, false)).bank->name, "sha384");
}

}  // namespace
}  // namespace nvunlock
