// SPDX-License-Identifier: Apache-2.0
#include "src/model/pcr_terms.h"

#include <gmock/gmock.h>

#include <utility>

#include "test/unit/support/byte_strings.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::Pair;

const std::string kDigest(64, 'a');

TEST(PcrTermsTest, AnIndexAloneAsksForTheValueOfThisBootInAnyBank) {
  PcrTerms terms = Must(ParsePcrTerms("7"));
  EXPECT_EQ(terms.bank, nullptr);
  EXPECT_THAT(terms.pcrs, ElementsAre(Pair(7, std::nullopt)));
}

TEST(PcrTermsTest, TermsAreJoinedByPlusOrComma) {
  EXPECT_THAT(Must(ParsePcrTerms("11+7")).pcrs, ElementsAre(testing::Key(7), testing::Key(11)));
  EXPECT_THAT(Must(ParsePcrTerms("11,7")).pcrs, ElementsAre(testing::Key(7), testing::Key(11)));
  EXPECT_THAT(Must(ParsePcrTerms("0+1,23")).pcrs,
              ElementsAre(testing::Key(0), testing::Key(1), testing::Key(23)));
}

TEST(PcrTermsTest, ABankAndADigestMayBeGiven) {
  PcrTerms terms = Must(ParsePcrTerms("7:sha256+8:sha256=" + kDigest));
  EXPECT_EQ(terms.bank, FindPcrBank("sha256"));
  EXPECT_THAT(terms.pcrs, ElementsAre(Pair(7, std::nullopt), Pair(8, Bytes(32, 0xaa))));
}

TEST(PcrTermsTest, OneBankCountsForAllTerms) {
  for (const char* text : {"7:sha384+8", "7+8:sha384", "7:sha384+8:sha384"}) {
    EXPECT_EQ(Must(ParsePcrTerms(text)).bank, FindPcrBank("sha384")) << text;
  }
}

TEST(PcrTermsTest, DigestsAreAsLongAsTheirBank) {
  for (const PcrBank& bank : KnownPcrBanks()) {
    std::string term = std::string("0:") + bank.name + "=" + std::string(2 * bank.digest_size, 'F');
    EXPECT_EQ(Must(ParsePcrTerms(term)).pcrs[0], Bytes(bank.digest_size, 0xff)) << term;
    EXPECT_THAT(ParsePcrTerms(term + "00"), FailsWith(Errc::kUsage, "hexadecimal digits"));
  }
}

TEST(PcrTermsTest, PcrsHaveTheNamesOfSystemd) {
  const std::pair<const char*, unsigned> names[] = {{"platform-code", 0},
                                                    {"platform-config", 1},
                                                    {"external-code", 2},
                                                    {"external-config", 3},
                                                    {"boot-loader-code", 4},
                                                    {"boot-loader-config", 5},
                                                    {"host-platform", 6},
                                                    {"secure-boot-policy", 7},
                                                    {"kernel-initrd", 9},
                                                    {"ima", 10},
                                                    {"kernel-boot", 11},
                                                    {"kernel-config", 12},
                                                    {"sysexts", 13},
                                                    {"shim-policy", 14},
                                                    {"system-identity", 15},
                                                    {"debug", 16},
                                                    {"application-support", 23}};
  for (const auto& [name, index] : names) {
    EXPECT_THAT(Must(ParsePcrTerms(name)).pcrs, ElementsAre(testing::Key(index))) << name;
  }
  EXPECT_THAT(Must(ParsePcrTerms("kernel-boot:sha256=" + kDigest + "+7")).pcrs,
              ElementsAre(Pair(7, std::nullopt), Pair(11, Bytes(32, 0xaa))));
}

TEST(PcrTermsTest, EverythingElseIsRefused) {
  for (const char* text : {"",
                           "+",
                           "7+",
                           "+7",
                           "7++8",
                           "24",
                           "-1",
                           "99999999999",
                           "0x7",
                           " 7",
                           "7 ",
                           "7 + 8",
                           "secure-boot",
                           "Secure-Boot-Policy",
                           "7:",
                           ":sha256",
                           "7:md5",
                           "7:SHA256",
                           "7:sha256:sha256",
                           "7:sha256=",
                           "7:sha256=zz",
                           "7=",
                           "7-8"}) {
    EXPECT_THAT(ParsePcrTerms(text), FailsWith(Errc::kUsage)) << "'" << text << "'";
  }
}

TEST(PcrTermsTest, RefusalsNameTheTermAndTheReason) {
  EXPECT_THAT(ParsePcrTerms("7+24"), FailsWith(Errc::kUsage, "PCR '24': write a name or 0-23"));
  EXPECT_THAT(ParsePcrTerms("7:md5"), FailsWith(Errc::kUsage, "unknown bank"));
  EXPECT_THAT(ParsePcrTerms("7=" + kDigest), FailsWith(Errc::kUsage, "a digest needs its bank"));
  EXPECT_THAT(ParsePcrTerms("7:sha256=" + kDigest + "=" + kDigest), FailsWith(Errc::kUsage));
}

TEST(PcrTermsTest, APcrGivenTwiceIsRefused) {
  for (const char* text : {"7+7", "7+8+7", "7+secure-boot-policy", "7:sha256+7", "07+7"}) {
    EXPECT_THAT(ParsePcrTerms(text), FailsWith(Errc::kUsage, "given twice")) << text;
  }
}

TEST(PcrTermsTest, TwoBanksAreRefused) {
  EXPECT_THAT(ParsePcrTerms("7:sha256+8:sha1"), FailsWith(Errc::kUsage, "of one bank"));
}

TEST(PcrMeaningTest, SomePcrsAreExtendedAfterTheInitramfs) {
  std::vector<unsigned> changing;
  for (unsigned pcr = 0; pcr < kPcrCount; pcr++) {
    if (ChangesAfterInitramfs(pcr)) changing.push_back(pcr);
  }
  EXPECT_THAT(changing, ElementsAre(9, 11, 12, 13, 14, 15));
}

TEST(PcrMeaningTest, AResetLeavesZerosOrOnes) {
  EXPECT_TRUE(IsResetValue(Bytes(32, 0x00)));
  EXPECT_TRUE(IsResetValue(Bytes(32, 0xff)));
  Bytes value(32);
  value[31] = 1;
  EXPECT_FALSE(IsResetValue(value));
  value[31] = 0xff;
  EXPECT_FALSE(IsResetValue(value));
}

}  // namespace
}  // namespace nvunlock
