// SPDX-License-Identifier: Apache-2.0
#include "src/base/hex.h"

#include <gtest/gtest.h>

namespace nvunlock {
namespace {

TEST(HexTest, TurnsBytesIntoLowerCaseDigits) {
  EXPECT_EQ(ToHex(Bytes{0x00, 0x1f, 0xa0, 0xff}), "001fa0ff");
  EXPECT_EQ(ToHex({}), "");
}

TEST(HexTest, ReadsDigitsOfEitherCase) {
  EXPECT_EQ(FromHex("00aBFf"), (Bytes{0x00, 0xab, 0xff}));
  EXPECT_EQ(FromHex(""), Bytes());
}

TEST(HexTest, RefusesWhatIsNotWholeBytesOfHex) {
  for (const char* text : {"0", "abc", "0g", "g0", " 00", "00 ", "0x00", "-1"}) {
    EXPECT_EQ(FromHex(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace nvunlock
