// SPDX-License-Identifier: Apache-2.0
#include "src/os/tpm_device.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "test/unit/support/module_tree.h"
#include "test/unit/support/results.h"

namespace nvunlock {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// A machine whose firmware has a TPM, but whose kernel has no driver for it yet.
class TpmDeviceTest : public testing::Test {
 protected:
  TpmDeviceTest() {
    directory_.Write("sys/firmware/acpi/tables/TPM2", "table");
    AddAcpiDevice("MSFT0101:00", "acpi:MSFT0101:\n");
    places_ = {.sysfs_root = directory_.PathOf("sys"),
               .modules_dir = MakeModuleTree(directory_, {})};
  }

  void AddAcpiDevice(const std::string& name, const std::string& modalias) const {
    directory_.Write("sys/bus/acpi/devices/" + name + "/modalias", modalias);
  }

  /// The kernel has a TPM device: one that is in /dev everywhere stands in for it.
  void MakeDevice() const { directory_.Write("sys/class/tpmrm/null/dev", ""); }

  /// Installs a module that claims ALIAS and that no kernel takes. Returns its path.
  std::string AddModule(const std::string& name, const std::string& alias) const {
    std::string path = places_.modules_dir + "/" + name + ".ko";
    RunCommand("echo 'char a[] __attribute__((section(\".modinfo\"))) = \"alias=" + alias +
               "\";' | gcc -c -x c - -o " + path + " && depmod -b " + directory_.path() + " " +
               std::filesystem::path(places_.modules_dir).filename().string());
    return path;
  }

  Result<void> Await(unsigned seconds = 1) const { return AwaitTpmDevice(places_, seconds); }

  TemporaryDirectory directory_;
  TpmPlaces places_;
};

TEST_F(TpmDeviceTest, ADeviceThatIsThereIsNotWaitedFor) {
  MakeDevice();
  std::string driver = AddModule("tpm_sample", "acpi*:MSFT0101:*");
  Clock::time_point start = Clock::now();
  EXPECT_THAT(Await(), Succeeds());
  EXPECT_LT(Clock::now() - start, milliseconds(50));
}

TEST_F(TpmDeviceTest, WithoutTheFirmwaresTableNothingIsWaitedForOrLoaded) {
  std::filesystem::remove(directory_.PathOf("sys/firmware/acpi/tables/TPM2"));
  AddModule("tpm_sample", "acpi*:MSFT0101:*");
  Clock::time_point start = Clock::now();
  EXPECT_THAT(Await(30), Succeeds());
  EXPECT_LT(Clock::now() - start, milliseconds(50));
}

TEST_F(TpmDeviceTest, ADeviceThatAppearsLateIsFound) {
  Clock::time_point start = Clock::now();
  std::thread kernel([&] {
    std::this_thread::sleep_for(milliseconds(300));
    MakeDevice();
  });
  EXPECT_THAT(Await(30), Succeeds());
  EXPECT_GE(Clock::now() - start, milliseconds(250));
  EXPECT_LT(Clock::now() - start, milliseconds(5000));
  kernel.join();
}

TEST_F(TpmDeviceTest, WithoutADeviceItGivesUp) {
  Clock::time_point start = Clock::now();
  EXPECT_THAT(Await(), FailsWith(Errc::kTpmNotReady, "no device for it within 1 seconds"));
  EXPECT_LT(Clock::now() - start, milliseconds(5000));
}

TEST_F(TpmDeviceTest, ADriverThatIsNotInstalledIsNoComplaint) {
  Result<void> awaited = Await();
  ASSERT_FALSE(awaited);
  EXPECT_TRUE(awaited.error().message.ends_with("seconds")) << awaited.error().message;
}

TEST_F(TpmDeviceTest, TheDriverThatClaimsAnAcpiDeviceIsLoaded) {
  std::string driver = AddModule("tpm_sample", "acpi*:MSFT0101:*");
  EXPECT_THAT(Await(), FailsWith(Errc::kTpmNotReady, driver));
}

TEST_F(TpmDeviceTest, SoIsOneOfAnotherAcpiId) {
  AddAcpiDevice("SMO0768:00", "acpi:SMO0768:\n");
  std::string driver = AddModule("tpm_sample", "acpi*:SMO0768:*");
  EXPECT_THAT(Await(), FailsWith(Errc::kTpmNotReady, driver));
}

TEST_F(TpmDeviceTest, AUsualDriverIsLoadedEvenWhenItClaimsNothing) {
  std::string driver = AddModule("tpm_tis_spi", "spi:none");
  EXPECT_THAT(Await(), FailsWith(Errc::kTpmNotReady, driver));
}

TEST_F(TpmDeviceTest, DriversOfOtherDevicesAreNotOursToLoad) {
  AddAcpiDevice("ACPI0012:00", "acpi:ACPI0012:\n");
  std::string claims_it_too = AddModule("sample", "acpi*:MSFT0101:*");
  std::string nfit = AddModule("sample_nfit", "acpi*:ACPI0012:*");
  std::string unclaimed = AddModule("tpm_sample", "acpi*:IFX0102:*");
  Result<void> awaited = Await();
  ASSERT_FALSE(awaited);
  for (const std::string& path : {claims_it_too, nfit, unclaimed}) {
    EXPECT_EQ(awaited.error().message.find(path), std::string::npos) << awaited.error().message;
  }
}

/// Reading from a pipe without a writer stands in for a chip that never answers its driver.
TEST_F(TpmDeviceTest, ADriverThatNeverReturnsIsNotWaitedFor) {
  std::string driver = AddModule("tpm_sample", "acpi*:MSFT0101:*");
  std::filesystem::remove(driver);
  ASSERT_EQ(mkfifo(driver.c_str(), 0600), 0);
  Clock::time_point start = Clock::now();
  EXPECT_THAT(Await(), FailsWith(Errc::kTpmNotReady, "still being loaded"));
  EXPECT_LT(Clock::now() - start, milliseconds(5000));
}

}  // namespace
}  // namespace nvunlock
