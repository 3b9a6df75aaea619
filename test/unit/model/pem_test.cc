// SPDX-License-Identifier: Apache-2.0
#include "src/model/pem.h"

#include <gmock/gmock.h>

#include "test/unit/support/byte_strings.h"

namespace nvunlock {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

const Bytes kDer = Hex("3003020105");

TEST(FormatPemTest, IsTextualEncodingOfRfc7468) {
  EXPECT_EQ(FormatPem("CMS", kDer), "-----BEGIN CMS-----\nMAMCAQU=\n-----END CMS-----\n");
}

TEST(ParsePemTest, IsTheInverseForAnySize) {
  for (size_t size : {1, 47, 48, 49, 1000}) {
    Bytes der(size, 0x5a);
    std::vector<PemBlock> blocks = Must(ParsePem(FormatPem("TSS2 PRIVATE KEY", der)));
    ASSERT_THAT(blocks, SizeIs(1));
    EXPECT_EQ(blocks[0].label, "TSS2 PRIVATE KEY");
    EXPECT_EQ(blocks[0].der, der);
  }
}

TEST(ParsePemTest, BlocksComeInOrderAndLinesBetweenThemAreSkipped) {
  std::string text = "for people\n\n" + FormatPem("A", Hex("01")) + "more: words\n" +
                     FormatPem("B", Hex("02")) + FormatPem("A", Hex("03")) + "the end";
  std::vector<PemBlock> blocks = Must(ParsePem(text));
  ASSERT_THAT(blocks, SizeIs(3));
  EXPECT_EQ(blocks[0].der, Hex("01"));
  EXPECT_EQ(blocks[1].label, "B");
  EXPECT_EQ(blocks[2].der, Hex("03"));
}

TEST(ParsePemTest, TextWithoutBlocksHasNone) {
  EXPECT_THAT(Must(ParsePem("just words\n")), IsEmpty());
  EXPECT_THAT(Must(ParsePem("")), IsEmpty());
  EXPECT_THAT(Must(ParsePem(std::string_view())), IsEmpty());
}

TEST(ParsePemTest, LinesMayEndAsInDos) {
  std::vector<PemBlock> blocks =
      Must(ParsePem("-----BEGIN CMS-----\r\nMAMCAQU=\r\n-----END CMS-----\r\n"));
  ASSERT_THAT(blocks, SizeIs(1));
  EXPECT_EQ(blocks[0].der, kDer);
}

TEST(ParsePemTest, ABlockThatIsCutShortIsRefused) {
  const std::string text = FormatPem("CMS", Bytes(100, 0x5a));
  const size_t whole = text.size() - 1;  // the last newline is not missed
  for (size_t size = std::string_view("-----BEGIN ").size(); size < whole; size++) {
    EXPECT_THAT(ParsePem(text.substr(0, size)), FailsWith(Errc::kBadKeyFile)) << size;
  }
}

TEST(ParsePemTest, ADamagedBlockIsRefusedWhereverItStands) {
  const std::string good = FormatPem("CMS", kDer);
  for (const char* damaged :
       {"-----BEGIN CMS-----\nMA!CAQU=\n-----END CMS-----\n",
        "-----BEGIN CMS-----\nMAMCAQU\n-----END CMS-----\n",
        "-----BEGIN CMS-----\nMAMCAQU=\n-----END PKCS7-----\n",
        "-----BEGIN CMS-----\nMAMCAQU=\n-----BEGIN CMS-----\n",
        "-----BEGIN CMS\nMAMCAQU=\n-----END CMS-----\n", "-----BEGIN CMS-----\n"}) {
    EXPECT_THAT(ParsePem(damaged + good), FailsWith(Errc::kBadKeyFile)) << damaged;
    EXPECT_THAT(ParsePem(good + damaged), FailsWith(Errc::kBadKeyFile, "PEM block 2")) << damaged;
  }
}

}  // namespace
}  // namespace nvunlock
