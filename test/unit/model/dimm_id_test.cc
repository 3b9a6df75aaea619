// SPDX-License-Identifier: Apache-2.0
#include "src/model/dimm_id.h"

#include <gmock/gmock.h>

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

TEST(DimmIdTest, NfitIdsStayAsTheyAre) {
  for (const char* id : {"8089-a2-1740-00000133", "8680-56341200", "0000-00-0000-00000001"}) {
    EXPECT_EQ(DimmId(id).canonical(), id);
  }
}

TEST(DimmIdTest, CxlSerialsAreDecimalAndNotNegative) {
  EXPECT_EQ(DimmId("0").canonical(), "0");
  EXPECT_EQ(DimmId("1234").canonical(), "1234");
  EXPECT_EQ(DimmId("9223372036854775807").canonical(), "9223372036854775807");
  EXPECT_EQ(DimmId("9223372036854775808").canonical(), "9223372036854775808");
  EXPECT_EQ(DimmId("-9223372036854775808").canonical(), "9223372036854775808");
  EXPECT_EQ(DimmId("-1").canonical(), "18446744073709551615");
}

TEST(DimmIdTest, WhatIsNoSerialStaysAsItIs) {
  for (const char* id :
       {"", "-", "18446744073709551616", "-9223372036854775809", "1234abcd", "--1", " 1", "0x12"}) {
    EXPECT_EQ(DimmId(id).canonical(), id);
  }
}

TEST(DimmIdTest, SpellingsOfOneSerialAreEqualAndStayWhatTheyAre) {
  EXPECT_EQ(DimmId("-2"), DimmId("18446744073709551614"));
  EXPECT_NE(DimmId("2"), DimmId("-2"));
  EXPECT_EQ(DimmId("-2").spelling(), "-2");
}

TEST(DimmIdKeysTest, NfitDimmsHaveOne) {
  EXPECT_THAT(DimmId("8089-a2-1740-00000133").KeyDescriptions(),
              ElementsAre("nvdimm:8089-a2-1740-00000133"));
}

TEST(DimmIdKeysTest, CxlDimmsHaveTheDecimalAndTheHexadecimalSpelling) {
  EXPECT_THAT(DimmId("4660").KeyDescriptions(), UnorderedElementsAre("nvdimm:4660", "nvdimm:1234"));
}

TEST(DimmIdKeysTest, EqualSpellingsAreThereOnce) {
  EXPECT_THAT(DimmId("7").KeyDescriptions(), ElementsAre("nvdimm:7"));
}

TEST(DimmIdKeysTest, ASerialWithItsTopBitSetHasANegativeSpellingToo) {
  for (const char* id : {"-2", "18446744073709551614"}) {
    EXPECT_THAT(
        DimmId(id).KeyDescriptions(),
        UnorderedElementsAre("nvdimm:-2", "nvdimm:18446744073709551614", "nvdimm:fffffffffffffffe"))
        << id;
  }
}

}  // namespace
}  // namespace nvunlock
