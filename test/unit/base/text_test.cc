// SPDX-License-Identifier: Apache-2.0
#include "src/base/text.h"

#include <gmock/gmock.h>

#include <string>

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::Optional;

TEST(SplitTest, CutsAtEachSeparator) {
  EXPECT_THAT(Split("a,bc,d", ','), ElementsAre("a", "bc", "d"));
  EXPECT_THAT(Split("abc", ','), ElementsAre("abc"));
}

TEST(SplitTest, KeepsEmptyParts) {
  EXPECT_THAT(Split("", ','), ElementsAre(""));
  EXPECT_THAT(Split(",a,,", ','), ElementsAre("", "a", "", ""));
}

TEST(TrimTest, TakesWhiteSpaceFromBothEndsOnly) {
  EXPECT_EQ(Trim(" \t\r\na b\n "), "a b");
  EXPECT_EQ(Trim("a"), "a");
}

TEST(TrimTest, LeavesNothingOfWhiteSpace) {
  EXPECT_EQ(Trim(" \n"), "");
  EXPECT_EQ(Trim(""), "");
}

TEST(ParseUnsignedTest, ReadsWholeDecimalNumbers) {
  EXPECT_THAT(ParseUnsigned("0"), Optional(0U));
  EXPECT_THAT(ParseUnsigned("4294967295"), Optional(4294967295U));
}

TEST(ParseUnsignedTest, ReadsHexadecimalWithAndWithoutPrefix) {
  EXPECT_THAT(ParseUnsigned("81000001", 16), Optional(0x81000001U));
  EXPECT_THAT(ParseUnsigned("0x81000001", 16), Optional(0x81000001U));
  EXPECT_THAT(ParseUnsigned("0XfF", 16), Optional(0xffU));
}

TEST(ParseUnsignedTest, RefusesEverythingElse) {
  for (const char* text : {"", " 1", "1 ", "+1", "-1", "1x", "0x10", "4294967296", "99999999999"}) {
    EXPECT_EQ(ParseUnsigned(text), std::nullopt) << text;
  }
  for (const char* text : {"0x", "x1", "0x0x1", "g", "100000000"}) {
    EXPECT_EQ(ParseUnsigned(text, 16), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace nvunlock
