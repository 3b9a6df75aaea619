#include "src/model/dimm_id.h"

#include <gmock/gmock.h>

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

TEST(CanonicalDimmIdTest, NfitIdsStayAsTheyAre) {
  for (const char* id : {"8089-a2-1740-00000133", "8680-56341200", "0000-00-0000-00000001"}) {
    EXPECT_EQ(CanonicalDimmId(id), id);
  }
}

TEST(CanonicalDimmIdTest, CxlSerialsAreDecimalAndNotNegative) {
  EXPECT_EQ(CanonicalDimmId("0"), "0");
  EXPECT_EQ(CanonicalDimmId("1234"), "1234");
  EXPECT_EQ(CanonicalDimmId("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(CanonicalDimmId("9223372036854775808"), "9223372036854775808");
  EXPECT_EQ(CanonicalDimmId("-9223372036854775808"), "9223372036854775808");
  EXPECT_EQ(CanonicalDimmId("-1"), "18446744073709551615");
}

TEST(CanonicalDimmIdTest, WhatIsNoSerialStaysAsItIs) {
  for (const char* id :
       {"", "-", "18446744073709551616", "-9223372036854775809", "1234abcd", "--1", " 1", "0x12"}) {
    EXPECT_EQ(CanonicalDimmId(id), id);
  }
}

TEST(DimmKeyDescriptionsTest, NfitDimmsHaveOne) {
  EXPECT_THAT(DimmKeyDescriptions("8089-a2-1740-00000133"),
              ElementsAre("nvdimm:8089-a2-1740-00000133"));
}

TEST(DimmKeyDescriptionsTest, CxlDimmsHaveTheDecimalAndTheHexadecimalSpelling) {
  EXPECT_THAT(DimmKeyDescriptions("4660"), UnorderedElementsAre("nvdimm:4660", "nvdimm:1234"));
}

TEST(DimmKeyDescriptionsTest, EqualSpellingsAreThereOnce) {
  EXPECT_THAT(DimmKeyDescriptions("7"), ElementsAre("nvdimm:7"));
}

TEST(DimmKeyDescriptionsTest, ASerialWithItsTopBitSetHasANegativeSpellingToo) {
  for (const char* id : {"-2", "18446744073709551614"}) {
    EXPECT_THAT(
        DimmKeyDescriptions(id),
        UnorderedElementsAre("nvdimm:-2", "nvdimm:18446744073709551614", "nvdimm:fffffffffffffffe"))
        << id;
  }
}

}  // namespace
}  // namespace nvunlock
