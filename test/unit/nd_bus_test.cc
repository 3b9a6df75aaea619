#include "src/os/nd_bus.h"

#include <gmock/gmock.h>

#include "test/unit/nd_tree.h"
#include "test/unit/results.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(AbsentNdBusTest, HasNoDevices) {
  TemporaryDirectory directory;
  NdBus bus(directory.path());
  EXPECT_FALSE(bus.IsPresent());
  EXPECT_THAT(bus.Devices(), IsEmpty());
  EXPECT_THAT(bus.Nmems(), IsEmpty());
  EXPECT_EQ(bus.BusOf("nmem0"), "");
  EXPECT_THAT(bus.SetAutoprobe(false), FailsWith(Errc::kFailed));
}

class NdBusTest : public testing::Test {
 protected:
  TemporaryDirectory directory_;
  NdTree tree_{directory_};
  NdBus bus_ = tree_.bus();
};

TEST_F(NdBusTest, ListsDevicesAndDimmsInOrder) {
  for (const char* name : {"nmem10", "nmem9", "region0", "namespace0.0"}) {
    tree_.AddDevice(name, false);
  }
  EXPECT_TRUE(bus_.IsPresent());
  EXPECT_THAT(bus_.Devices(), ElementsAre("namespace0.0", "ndbus0", "nmem9", "nmem10", "region0"));
  EXPECT_THAT(bus_.Nmems(), ElementsAre("nmem9", "nmem10"));
}

TEST_F(NdBusTest, FindsTheBusOfADevice) {
  tree_.AddDevice("nmem0", false);
  EXPECT_EQ(bus_.BusOf("nmem0"), "ndbus0");
  EXPECT_EQ(bus_.BusOf("nmem1"), "");
  EXPECT_THAT(bus_.ProviderOf("ndbus0"), Yields(std::string("ACPI.NFIT")));
}

TEST_F(NdBusTest, ReadsAttributes) {
  tree_.AddDimm({.nmem = "nmem0", .security = "locked"});
  EXPECT_TRUE(bus_.HasAttribute("nmem0", "security"));
  EXPECT_FALSE(bus_.HasAttribute("nmem0", "cxl/id"));
  EXPECT_THAT(bus_.Attribute("nmem0", "security"), Yields(std::string("locked")));
  EXPECT_THAT(bus_.Attribute("nmem0", "nfit/id"), Yields(std::string("8089-a2-1740-00000133")));
  EXPECT_THAT(bus_.Attribute("nmem0", "cxl/id"), FailsWith(Errc::kFailed, "nmem0/cxl/id"));
}

TEST_F(NdBusTest, WritesAttributes) {
  tree_.AddDimm({.nmem = "nmem0"});
  tree_.SetAttribute("nmem0", "security", "");
  EXPECT_THAT(bus_.SetAttribute("nmem0", "security", "freeze"), Succeeds());
  EXPECT_EQ(tree_.ReadAttribute("nmem0", "security"), "freeze");
}

TEST_F(NdBusTest, FindsTheDimmsOfARegion) {
  tree_.AddDevice("region0", false);
  EXPECT_THAT(bus_.NmemsOf("region0"), IsEmpty());
  tree_.SetAttribute("region0", "mapping0", "nmem0,0,1073741824,0");
  tree_.SetAttribute("region0", "mapping1", "nmem10,4096,1073741824,1");
  EXPECT_THAT(bus_.NmemsOf("region0"), ElementsAre("nmem0", "nmem10"));
}

TEST_F(NdBusTest, KnowsWhatHasADriver) {
  tree_.AddDevice("nmem0", true);
  tree_.AddDevice("nmem1", false);
  EXPECT_TRUE(bus_.IsBound("nmem0"));
  EXPECT_FALSE(bus_.IsBound("nmem1"));
}

TEST_F(NdBusTest, SwitchesAutoprobing) {
  EXPECT_THAT(bus_.SetAutoprobe(true), Succeeds());
  EXPECT_EQ(tree_.ReadBusFile("drivers_autoprobe"), "1");
  EXPECT_THAT(bus_.SetAutoprobe(false), Succeeds());
  EXPECT_EQ(tree_.ReadBusFile("drivers_autoprobe"), "0");
}

TEST_F(NdBusTest, BindsADimmThroughItsDriverAndProbesAnyDevice) {
  EXPECT_THAT(bus_.BindNmem("nmem3"), Succeeds());
  EXPECT_EQ(tree_.ReadBusFile("drivers/nvdimm/bind"), "nmem3");
  EXPECT_THAT(bus_.Probe("region0"), Succeeds());
  EXPECT_EQ(tree_.ReadBusFile("drivers_probe"), "region0");
}

TEST_F(NdBusTest, WaitingForAProbeNeedsNoAttribute) {
  bus_.WaitForProbe("ndbus0");
  bus_.WaitForProbe("ndbus7");
}

}  // namespace
}  // namespace nvunlock
