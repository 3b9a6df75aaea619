// SPDX-License-Identifier: Apache-2.0
// What a boot's unlock decides before and after it asks for keys. For the unlock itself see
// unlock_test.cc.
#include "src/unlock/this_boot.h"

#include <gmock/gmock.h>

#include "src/seal/latch.h"
#include "src/unlock/guard.h"
#include "src/unlock/latch_boot.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/module_tree.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class ThisBootTest : public MachineTest {
 protected:
  ThisBootTest() {
    directory_.Write("usr/lib/modprobe.d/00-nvunlock.conf", GuardText());
    MakeModuleTree(directory_, {"libnvdimm", "nfit"});
    directory_.Write("proc/cmdline", "root=/dev/vda\n");
    boot_.tpm_device = environment_.tpm_device;
    boot_.heed_command_line = true;
    boot_.warn = [this](const std::string& line) { warnings_.push_back(line); };
  }

  void AddHardware() const { directory_.Write("sys/bus/acpi/devices/ACPI0012:00/uevent", ""); }

  BootOutcome Unlock() { return UnlockThisBoot(environment_, boot_); }

  [[nodiscard]] Result<Secret> Unseal() const {
    Tpm tpm = ConnectTo(swtpm());
    return std::move(TRY(UnsealKek(tpm, Must(store_.ReadKeyFile({"user", "nvdimm-master"})))).kek);
  }

  /// Also in a root file system that has no guard of its own.
  [[nodiscard]] bool GuardIsKept() const {
    return directory_.Holds("run/modprobe.d/00-nvunlock.conf") && GuardHolds(environment_);
  }

  BootOptions boot_;
  std::vector<std::string> warnings_;
};

TEST_F(ThisBootTest, AMachineThatIsNotEnrolledBootsAsIfNothingWereThere) {
  BootOutcome outcome = Unlock();
  EXPECT_FALSE(outcome.report);
  EXPECT_THAT(outcome.problems, IsEmpty());
  EXPECT_THAT(warnings_, IsEmpty());
  EXPECT_FALSE(GuardHolds(environment_));
}

TEST_F(ThisBootTest, WithoutDimmsTheLatchIsClosedAndNothingSaid) {
  EnrollKek(SampleSecret(32));
  BootOutcome outcome = Unlock();
  EXPECT_FALSE(outcome.report);
  EXPECT_THAT(outcome.problems, IsEmpty());
  EXPECT_THAT(warnings_, IsEmpty());
  EXPECT_THAT(Unseal(), FailsWith(Errc::kLatchClosed));
}

TEST_F(ThisBootTest, SwitchedOffItClosesTheLatchAndTheGuardHolds) {
  AddHardware();
  EnrollKek(SampleSecret(32));
  directory_.Write("proc/cmdline", "root=/dev/vda nvunlock=off");
  BootOutcome outcome = Unlock();
  EXPECT_FALSE(outcome.report);
  EXPECT_THAT(outcome.problems, IsEmpty());
  EXPECT_THAT(warnings_, Contains(HasSubstr("nvunlock=off: no DIMM is brought up")));
  EXPECT_TRUE(GuardIsKept());
  EXPECT_THAT(Unseal(), FailsWith(Errc::kLatchClosed));
}

TEST_F(ThisBootTest, TheCommandLineCountsOnlyInABoot) {
  EnrollKek(SampleSecret(32));
  directory_.Write("proc/cmdline", "nvunlock=off");
  boot_.heed_command_line = false;
  Unlock();
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(ThisBootTest, AnImageOfAnEnrolledMachineWithoutKeyFilesIsAFailure) {
  AddHardware();
  directory_.Write("etc/nvunlock/image", "enrolled=yes\nhost=there\n");
  directory_.Write("etc/nvunlock/nvunlock.conf", "on-failure=poweroff\n");
  BootOutcome outcome = Unlock();
  ASSERT_TRUE(outcome.report);
  EXPECT_EQ(outcome.report->Verdict(), Errc::kKeysIncomplete);
  EXPECT_TRUE(outcome.is_failure);
  EXPECT_EQ(outcome.on_failure, OnFailure::kPowerOff);
  EXPECT_TRUE(GuardIsKept());
}

TEST_F(ThisBootTest, AShellAfterAnUnlockThatWasKilledFindsTheLatchClosedAndNoKeys) {
  EnrollKek(SampleSecret(32));
  (void)Must(keyring().AddUser("nvdimm-master", SampleSecret(32).bytes()));
  EXPECT_THAT(LatchBoot(environment_, {}, {.after_unlock = true}), IsEmpty());
  EXPECT_FALSE(HoldsKey("user", "nvdimm-master"));
  EXPECT_THAT(Unseal(), FailsWith(Errc::kLatchClosed));
}

TEST_F(ThisBootTest, KeysStayAfterAnUnlockThatHasReported) {
  EnrollKek(SampleSecret(32));
  (void)Must(keyring().AddUser("nvdimm-master", SampleSecret(32).bytes()));
  directory_.Write("run/nvunlock/status.json", "{}");
  EXPECT_THAT(LatchBoot(environment_, {}, {.after_unlock = true}), IsEmpty());
  EXPECT_TRUE(HoldsKey("user", "nvdimm-master"));
}

}  // namespace
}  // namespace nvunlock
