// SPDX-License-Identifier: Apache-2.0
#include "src/terminal/dimm_arguments.h"

#include <gmock/gmock.h>

#include "test/unit/support/nd_tree.h"
#include "test/unit/support/results.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;

/// Four DIMMs on one bus; two of them make region0, and the last is the only one of region1.
class DimmArgumentsTest : public testing::Test {
 protected:
  DimmArgumentsTest() {
    for (const char* nmem : {"nmem0", "nmem1", "nmem2", "nmem10"}) {
      tree_.AddDimm({.nmem = nmem, .security = "disabled"});
    }
    tree_.AddDevice("region0", true);
    tree_.SetAttribute("region0", "mapping0", "nmem0,0,34359738368,0");
    tree_.SetAttribute("region0", "mapping1", "nmem1,0,34359738368,1");
    tree_.AddDevice("region1", true);
    tree_.SetAttribute("region1", "mapping0", "nmem10,0,34359738368,0");
  }

  [[nodiscard]] Result<std::vector<std::string>> Select(const std::vector<std::string>& arguments,
                                                        const DimmFilter& filter = {}) const {
    return SelectDimms(tree_.bus(), arguments, filter);
  }

  TemporaryDirectory directory_;
  NdTree tree_{directory_};
};

TEST_F(DimmArgumentsTest, AllAreTakenInTheirOrder) {
  EXPECT_THAT(Must(Select({"all"})), ElementsAre("nmem0", "nmem1", "nmem2", "nmem10"));
  EXPECT_THAT(Must(Select({"nmem1", "all"})), ElementsAre("nmem0", "nmem1", "nmem2", "nmem10"));
}

TEST_F(DimmArgumentsTest, ThoseThatAreNamedAreTaken) {
  EXPECT_THAT(Must(Select({"nmem10", "nmem1"})), ElementsAre("nmem1", "nmem10"));
}

TEST_F(DimmArgumentsTest, ARegionLeavesItsOwn) {
  EXPECT_THAT(Must(Select({"all"}, {.region = "region0"})), ElementsAre("nmem0", "nmem1"));
  // nmem1 is no match for nmem10.
  EXPECT_THAT(Must(Select({"all"}, {.region = "region1"})), ElementsAre("nmem10"));
  EXPECT_THAT(Must(Select({"nmem1"}, {.region = "region0"})), ElementsAre("nmem1"));
}

TEST_F(DimmArgumentsTest, ABusIsKnownByNumberNameOrProvider) {
  for (const char* bus : {"ndbus0", "ACPI.NFIT", "0", "all", "7 0", "foo all"}) {
    EXPECT_EQ(Must(Select({"all"}, {.bus = bus})).size(), 4U) << bus;
  }
}

TEST_F(DimmArgumentsTest, ABusThatIsNotThereIsNamedWithThoseThatAre) {
  for (const char* bus : {"ndbus1", "1", "ndbus", "ndbus00", "ACPI", " ", "all,"}) {
    EXPECT_THAT(Select({"all"}, {.bus = bus}),
                FailsWith(Errc::kFailed, std::string("there is no bus '") + bus +
                                             "' here; there is ndbus0 (ACPI.NFIT)"));
  }
}

TEST_F(DimmArgumentsTest, ARegionIsKnownByNumberOrName) {
  EXPECT_THAT(Must(Select({"all"}, {.region = "1"})), ElementsAre("nmem10"));
  EXPECT_THAT(Must(Select({"all"}, {.region = "0 region1"})),
              ElementsAre("nmem0", "nmem1", "nmem10"));
  // No region has nmem2.
  EXPECT_THAT(Must(Select({"all"}, {.region = "all"})), ElementsAre("nmem0", "nmem1", "nmem10"));
}

TEST_F(DimmArgumentsTest, BusAndRegionMustBothHold) {
  EXPECT_THAT(Must(Select({"all"}, {.bus = "ndbus0", .region = "region1"})), ElementsAre("nmem10"));
  EXPECT_THAT(Select({"all"}, {.bus = "ndbus1", .region = "region1"}), FailsWith(Errc::kFailed));
}

TEST_F(DimmArgumentsTest, ADimmThatIsNotThereIsNotPassedOver) {
  EXPECT_THAT(Select({"nmem0", "nmem7", "nmem8"}),
              FailsWith(Errc::kFailed, "there is no nmem7, nmem8 here"));
  EXPECT_THAT(Select({"nmem2"}, {.region = "region0"}),
              FailsWith(Errc::kFailed, "there is no nmem2 in region 'region0'"));
  EXPECT_THAT(Select({"nmem2"}, {.bus = "0", .region = "0"}),
              FailsWith(Errc::kFailed, "there is no nmem2 on bus '0' in region '0'"));
  EXPECT_THAT(Select({"all"}, {.region = "region9"}),
              FailsWith(Errc::kFailed, "there is no region 'region9'"));
}

TEST_F(DimmArgumentsTest, ANumberIsThatOfTheDimm) {
  EXPECT_THAT(Must(Select({"10", "nmem1"})), ElementsAre("nmem1", "nmem10"));
  EXPECT_THAT(Select({"7"}), FailsWith(Errc::kFailed, "there is no nmem7 here"));
}

TEST_F(DimmArgumentsTest, ADimmThatIsNamedTwiceIsTakenOnce) {
  EXPECT_THAT(Must(Select({"nmem0", "nmem0"})), ElementsAre("nmem0"));
}

TEST_F(DimmArgumentsTest, WhatIsNoDimmsNameIsRefused) {
  EXPECT_THAT(Select({}), FailsWith(Errc::kUsage, "name the DIMMs"));
  for (const char* name :
       {"nmem", "nmemX", "nmem-1", "nmem1x", "region0", "ALL", "", "-1", "1x", "0x1"}) {
    EXPECT_THAT(Select({"nmem0", name}), FailsWith(Errc::kUsage, "is not a valid dimm name"))
        << name;
  }
}

TEST(CountNmemsTest, CountsAsNdctlDoes) {
  EXPECT_EQ(CountNmems(0), "0 nmem");
  EXPECT_EQ(CountNmems(1), "1 nmem");
  EXPECT_EQ(CountNmems(2), "2 nmems");
  EXPECT_EQ(CountNmems(48), "48 nmems");
}

}  // namespace
}  // namespace nvunlock
