// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/drivers.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "src/base/unique_fd.h"
#include "test/unit/support/module_tree.h"
#include "test/unit/support/nd_tree.h"
#include "test/unit/support/results.h"

namespace nvunlock {
namespace {

class BringUpTest : public testing::Test {
 protected:
  void AddAcpiDevice(const std::string& name) const {
    directory_.Write("sys/bus/acpi/devices/" + name + "/uevent", "");
  }

  TemporaryDirectory directory_;
  Environment environment_ = EnvironmentBelow(directory_.path());
};

TEST_F(BringUpTest, AMachineWithoutTheAcpiDevicesHasNoDimmHardware) {
  EXPECT_FALSE(HasDimmHardware(environment_));
  AddAcpiDevice("ACPI0003:00");
  AddAcpiDevice("ACPI00170:00");
  EXPECT_FALSE(HasDimmHardware(environment_));
}

TEST_F(BringUpTest, NfitAndCxlRootsAreDimmHardware) {
  for (const char* name : {"ACPI0012:00", "ACPI0017:00"}) {
    TemporaryDirectory world;
    world.Write(std::string("sys/bus/acpi/devices/") + name + "/uevent", "");
    EXPECT_TRUE(HasDimmHardware(EnvironmentBelow(world.path()))) << name;
  }
}

TEST_F(BringUpTest, RegisteredDimmsAreDimmHardware) {
  NdTree tree(directory_);
  EXPECT_FALSE(HasDimmHardware(environment_));
  tree.AddDimm({.nmem = "nmem0"});
  EXPECT_TRUE(HasDimmHardware(environment_));
}

TEST_F(BringUpTest, AKernelThatDoesNotSayOtherwiseRevalidates) {
  EXPECT_TRUE(KernelRevalidates(environment_));
  directory_.Write("sys/module/libnvdimm/parameters/key_revalidate", "Y\n");
  EXPECT_TRUE(KernelRevalidates(environment_));
  directory_.Write("sys/module/libnvdimm/parameters/key_revalidate", "N\n");
  EXPECT_FALSE(KernelRevalidates(environment_));
}

TEST_F(BringUpTest, DriversThatAreBuiltInNeedNoLoading) {
  MakeModuleTree(directory_, {"libnvdimm", "nfit"});
  AddAcpiDevice("ACPI0012:00");
  EXPECT_THAT(LoadLibnvdimm(environment_), Succeeds());
  EXPECT_THAT(LoadDimmDrivers(environment_), Succeeds());
}

TEST_F(BringUpTest, OnlyDriversForWhatTheMachineHasAreWanted) {
  MakeModuleTree(directory_, {});
  EXPECT_THAT(LoadDimmDrivers(environment_), Succeeds());
  AddAcpiDevice("ACPI0012:00");
  EXPECT_THAT(LoadDimmDrivers(environment_), FailsWith(Errc::kFailed, "nfit is not installed"));
}

TEST_F(BringUpTest, CxlDriversAreWaitedFor) {
  MakeModuleTree(directory_, {"cxl_pmem", "cxl_acpi", "cxl_port", "cxl_mem", "cxl_pci"});
  AddAcpiDevice("ACPI0017:00");
  directory_.Write("sys/bus/cxl/flush", "");
  EXPECT_THAT(LoadDimmDrivers(environment_), Succeeds());
  EXPECT_EQ(directory_.Read("sys/bus/cxl/flush"), "1");
}

class AutoprobePauseTest : public testing::Test {
 protected:
  [[nodiscard]] std::string Autoprobe() const { return tree_.ReadBusFile("drivers_autoprobe"); }

  TemporaryDirectory directory_;
  NdTree tree_{directory_};
  NdBus bus_ = tree_.bus();
};

TEST_F(AutoprobePauseTest, LastsUntilItsEnd) {
  {
    AutoprobePause pause = Must(AutoprobePause::Start(bus_));
    EXPECT_EQ(Autoprobe(), "0");
    AutoprobePause moved(std::move(pause));
    EXPECT_EQ(Autoprobe(), "0");
  }
  EXPECT_EQ(Autoprobe(), "1");
}

TEST_F(AutoprobePauseTest, MayBeEndedBefore) {
  AutoprobePause pause = Must(AutoprobePause::Start(bus_));
  EXPECT_THAT(pause.Resume(), Succeeds());
  EXPECT_EQ(Autoprobe(), "1");
}

TEST_F(AutoprobePauseTest, CannotStartWithoutTheBus) {
  NdBus absent(directory_.PathOf("missing"));
  EXPECT_THAT(AutoprobePause::Start(absent), FailsWith(Errc::kFailed));
}

/// A FIFO at the place of drivers_probe keeps all that is written to it, in order.
class ProbeTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = directory_.PathOf("sys/bus/nd/drivers_probe");
    std::filesystem::remove(path);
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    fifo_ = UniqueFd(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    tree_.AddDevice("nmem0", false);
    tree_.AddDevice("namespace0.0", false);
    tree_.AddDevice("namespace1.0", true);
    tree_.AddDevice("region0", false);
    tree_.AddDevice("region1", true);
  }

  [[nodiscard]] std::string Probed() const {
    char written[200];
    ssize_t size = read(fifo_.get(), written, sizeof(written));
    return {written, static_cast<size_t>(size < 0 ? 0 : size)};
  }

  TemporaryDirectory directory_;
  NdTree tree_{directory_};
  UniqueFd fifo_;
};

TEST_F(ProbeTest, BusesComeFirst) {
  ProbeBuses(tree_.bus());
  EXPECT_EQ(Probed(), "ndbus0");
}

TEST_F(ProbeTest, ThenWhatIsUnboundRegionsBeforeNamespacesAndNeverADimm) {
  ProbeTheRest(tree_.bus());
  std::string probed = Probed();
  EXPECT_LT(probed.find("region0"), probed.find("namespace0.0"));
  for (const char* device : {"nmem", "region1", "namespace1.0"}) {
    EXPECT_EQ(probed.find(device), std::string::npos) << probed;
  }
}

TEST_F(ProbeTest, RegionsWithALockedDimmAreLeftOut) {
  tree_.AddDimm({.nmem = "nmem8", .security = "unlocked"});
  tree_.AddDimm({.nmem = "nmem9", .security = "locked"});
  tree_.AddDevice("region8", false);
  tree_.SetAttribute("region8", "mapping0", "nmem8,0,1073741824,0");
  tree_.AddDevice("region9", false);
  tree_.SetAttribute("region9", "mapping0", "nmem8,0,1073741824,0");
  tree_.SetAttribute("region9", "mapping1", "nmem9,0,1073741824,1");
  ProbeTheRest(tree_.bus());
  std::string probed = Probed();
  EXPECT_NE(probed.find("region8"), std::string::npos) << probed;
  EXPECT_EQ(probed.find("region9"), std::string::npos) << probed;
}

}  // namespace
}  // namespace nvunlock
