// SPDX-License-Identifier: Apache-2.0
#include "src/os/nd_bus.h"

#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "test/unit/support/nd_tree.h"
#include "test/unit/support/results.h"

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

TEST_F(NdBusTest, TakesADimmFromItsDriver) {
  directory_.Write("sys/bus/nd/drivers/nvdimm/unbind", "");
  EXPECT_THAT(bus_.UnbindNmem("nmem3"), Succeeds());
  EXPECT_EQ(tree_.ReadBusFile("drivers/nvdimm/unbind"), "nmem3");
}

TEST_F(NdBusTest, KnowsWhatIsInUse) {
  tree_.AddDimm({.nmem = "nmem0"});
  EXPECT_FALSE(bus_.IsInUse("nmem0"));
  tree_.SetAttribute("nmem0", "state", "idle");
  EXPECT_FALSE(bus_.IsInUse("nmem0"));
  tree_.SetAttribute("nmem0", "state", "active");
  EXPECT_TRUE(bus_.IsInUse("nmem0"));
}

TEST_F(NdBusTest, KnowsTheActiveRegionsOfADimm) {
  for (const char* region : {"region0", "region1", "region2"}) {
    tree_.AddDevice(region, region != std::string("region1"));
    tree_.SetAttribute(region, "mapping0", "nmem3,0,1073741824,0");
  }
  tree_.SetAttribute("region2", "mapping0", "nmem30,0,1073741824,0");
  EXPECT_THAT(bus_.ActiveRegionsOf("nmem3"), ElementsAre("region0"));
}

TEST_F(NdBusTest, KnowsTheDimmsOfARegion) {
  tree_.AddDevice("region0", true);
  EXPECT_THAT(bus_.NmemsOf("region0"), IsEmpty());
  tree_.SetAttribute("region0", "mapping0", "nmem3,0,34359738368,0");
  tree_.SetAttribute("region0", "mapping1", "nmem10,0,34359738368,1");
  EXPECT_THAT(bus_.NmemsOf("region0"), ElementsAre("nmem3", "nmem10"));
  EXPECT_THAT(bus_.NmemsOf("region1"), IsEmpty());
}

/// `security` of a DIMM is another file.
class SecureTest : public NdBusTest {
 protected:
  void Use(const std::string& target) {
    tree_.AddDevice("nmem0", true);
    directory_.Link("sys/devices/ndbus0/nmem0/security", target);
  }
};

TEST_F(SecureTest, WritesTheCommand) {
  tree_.AddDimm({.nmem = "nmem0", .security = ""});
  directory_.Write("sys/devices/ndbus0/nmem0/security", "");
  EXPECT_THAT(bus_.Secure("nmem0", "update 1 2"), Succeeds());
  EXPECT_EQ(tree_.ReadAttribute("nmem0", "security"), "update 1 2");
}

TEST_F(SecureTest, EinvalIsARefusedPassphrase) {
  Use("/proc/self/oom_score_adj");
  EXPECT_THAT(bus_.Secure("nmem0", "update 1 2"),
              FailsWith(Errc::kPassphraseRefused, "an attempt may be used up"));
}

TEST_F(SecureTest, OtherErrorsAreNoRefusalAndSayWhatTheyMean) {
  Use("/proc/self/mem");
  EXPECT_THAT(bus_.Secure("nmem0", "erase 17"),
              FailsWith(Errc::kFailed, "erase: not possible while it is frozen"));
}

TEST_F(SecureTest, AnErrorThatMeansNothingSpecialIsNamed) {
  Use("/dev/full");
  EXPECT_THAT(bus_.Secure("nmem0", "freeze"),
              FailsWith(Errc::kFailed, "freeze: No space left on device"));
}

TEST_F(SecureTest, NoSecurityIsAnError) {
  tree_.AddDimm({.nmem = "nmem0", .security = ""});
  EXPECT_THAT(bus_.Secure("nmem0", "freeze"), FailsWith(Errc::kFailed, "No such file"));
}

class AwaitSecurityChangeTest : public NdBusTest {
 protected:
  AwaitSecurityChangeTest() { tree_.AddDimm({.nmem = "nmem0", .security = "overwrite"}); }

  /// How long Await took.
  std::chrono::milliseconds Await(int milliseconds) {
    auto start = std::chrono::steady_clock::now();
    result_ = bus_.AwaitSecurityChange("nmem0", "overwrite", milliseconds);
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 start);
  }

  Result<bool> result_ = false;
};

TEST_F(AwaitSecurityChangeTest, AnotherWordIsKnownAtOnce) {
  tree_.SetAttribute("nmem0", "security", "unlocked");
  EXPECT_LT(Await(10000).count(), 5000);
  EXPECT_THAT(result_, Yields(false));
}

TEST_F(AwaitSecurityChangeTest, TheSameWordIsWaitedForAsLongAsItMay) {
  EXPECT_GE(Await(200).count(), 190);
  EXPECT_THAT(result_, Yields(true));
}

TEST_F(AwaitSecurityChangeTest, AChangeMeanwhileIsSeen) {
  std::thread dimm([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    tree_.SetAttribute("nmem0", "security", "disabled");
  });
  Await(1000);
  dimm.join();
  EXPECT_THAT(result_, Yields(false));
}

TEST_F(AwaitSecurityChangeTest, AWordThatOnlyBeginsAlikeIsAnother) {
  tree_.SetAttribute("nmem0", "security", "overwritten");
  Await(0);
  EXPECT_THAT(result_, Yields(false));
}

TEST_F(AwaitSecurityChangeTest, NoSecurityIsAnError) {
  EXPECT_THAT(bus_.AwaitSecurityChange("nmem7", "overwrite", 0),
              FailsWith(Errc::kFailed, "nmem7/security: No such file"));
}

TEST_F(NdBusTest, WaitingForAProbeNeedsNoAttribute) {
  bus_.WaitForProbe("ndbus0");
  bus_.WaitForProbe("ndbus7");
}

}  // namespace
}  // namespace nvunlock
