// SPDX-License-Identifier: Apache-2.0
// Unlock and its latch: one unseal in each boot, whatever becomes of it.
#include <gmock/gmock.h>

#include <algorithm>

#include "src/seal/latch.h"
#include "src/unlock/unlock.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/module_tree.h"
#include "test/unit/support/nd_tree.h"
#include "test/unit/support/recording_proxy.h"
#include "test/unit/support/tpm_samples.h"
#include "tpm/session.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const KekName kMaster = {"user", "nvdimm-master"};

class UnlockLatchTest : public MachineTest {
 protected:
  UnlockLatchTest() {
    directory_.Write("sys/bus/acpi/devices/ACPI0012:00/uevent", "");
    directory_.Write("sys/module/libnvdimm/parameters/key_revalidate", "N\n");
    MakeModuleTree(directory_, {"libnvdimm", "nfit"});
  }

  void SetUp() override {
    EnrollKek(kek_);
    AddBlob(kDimmId, kek_);
  }

  UnlockReport RunUnlock(const RecoveryQuestion& ask = {}) const {
    UnlockOptions options = {.config = {}, .ask_recovery = ask};
    return Unlock(environment_, options);
  }

  [[nodiscard]] Result<Secret> Open() const {
    Tpm tpm = ConnectTo(swtpm());
    return std::move(TRY(UnsealKek(tpm, Must(store_.ReadKeyFile(kMaster)))).kek);
  }

  void CloseTheLatch() const {
    TpmConnection tpm(environment_.tpm_device);
    ASSERT_THAT(CloseLatches(environment_, tpm), IsEmpty());
  }

  void ChangePcr() const {
    Tpm tpm = ConnectTo(swtpm());
    ExtendPcr(tpm, 8, Sha256Bank());
  }

  void AddDimm(const char* security, bool bound = false) const {
    tree_.AddDimm({.nmem = "nmem0", .id = kDimmId, .security = security, .bound = bound});
  }

  [[nodiscard]] std::string Bound() const { return tree_.ReadBusFile("drivers/nvdimm/bind"); }

  const Secret kek_ = SampleSecret(32);
  NdTree tree_{directory_};
};

TEST_F(UnlockLatchTest, TheLatchIsClosedAfterwards) {
  AddDimm("locked");
  RunUnlock();
  EXPECT_EQ(Bound(), "nmem0");
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed));
}

TEST_F(UnlockLatchTest, TheLatchIsClosedThoughTheTpmDidNotOpen) {
  KeyFile file = Must(store_.ReadKeyFile(kMaster));
  NvLatch latch = file.slots[0].key.policy.latch;
  ChangePcr();
  EXPECT_EQ(RunUnlock().Verdict(), Errc::kPolicyMismatch);
  Tpm tpm = ConnectTo(swtpm());
  ESYS_TR parent = Must(PinParent(tpm, file.slots[0].key.parent_handle, file.slots[0].parent));
  TpmObject session = Must(StartPolicySession(tpm, parent));
  EXPECT_THAT(AssertNvLatch(tpm, session.tr(), latch), FailsWith(Errc::kLatchClosed));
}

TEST_F(UnlockLatchTest, TheLatchIsClosedWithoutDimmsAndWithNothingLeftToDo) {
  RunUnlock();
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed));
}

TEST_F(UnlockLatchTest, ASecondRunClosesALatchThatTheFirstLeftOpen) {
  tree_.AddDimm(
      {.nmem = "nmem0", .id = kDimmId, .security = "unlocked", .frozen = "1", .bound = true});
  EXPECT_EQ(RunUnlock().Verdict(), std::nullopt);
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed));
}

/// So that what the bound drivers start cannot unseal.
TEST_F(UnlockLatchTest, NothingIsUnsealedBehindTheLatch) {
  AddDimm("locked");
  RecordingProxy proxy(swtpm());
  environment_.tpm_device = proxy.device();
  RunUnlock();
  const std::vector<uint32_t>& commands = proxy.commands();
  auto lock = std::ranges::find(commands, uint32_t{TPM2_CC_NV_ReadLock});
  auto unseal = std::ranges::find(commands, uint32_t{TPM2_CC_Unseal});
  ASSERT_NE(lock, commands.end());
  ASSERT_NE(unseal, commands.end());
  EXPECT_LT(unseal, lock);
  EXPECT_EQ(std::find(lock, commands.end(), uint32_t{TPM2_CC_Unseal}), commands.end());
}

/// ESYS sends nothing more over a connection on which it has met such an answer.
TEST_F(UnlockLatchTest, TheLatchIsClosedThoughAnAnswerWasNotAuthentic) {
  AddDimm("locked");
  {
    RecordingProxy proxy(swtpm(), [](uint32_t command, Bytes& response) {
      if (command == TPM2_CC_Unseal) response.back() ^= 1;
    });
    environment_.tpm_device = proxy.device();
    EXPECT_EQ(RunUnlock().Verdict(), Errc::kWrongTpm);
  }
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed));
}

TEST_F(UnlockLatchTest, WithAClosedLatchALockedDimmStaysLockedAndNothingIsUnsealed) {
  CloseTheLatch();
  AddDimm("locked");
  RecordingProxy proxy(swtpm());
  environment_.tpm_device = proxy.device();
  UnlockReport report = RunUnlock();
  EXPECT_EQ(report.Verdict(), Errc::kLatchClosed);
  EXPECT_EQ(Bound(), "");
  EXPECT_EQ(std::ranges::count(proxy.commands(), uint32_t{TPM2_CC_Unseal}), 0);
}

TEST_F(UnlockLatchTest, WithAClosedLatchOpenDimmsAreBroughtUpAndFrozen) {
  CloseTheLatch();
  AddDimm("unlocked");
  tree_.AddDimm({.nmem = "nmem1", .id = kOtherDimmId, .security = "disabled"});
  UnlockReport report = RunUnlock();
  ASSERT_THAT(report.dimms, SizeIs(2));
  EXPECT_EQ(report.Verdict(), Errc::kLatchClosed);
  EXPECT_THAT(tree_.ReadAttribute("nmem0", "security"), HasSubstr("freeze"));
  EXPECT_EQ(Bound(), "nmem1");
}

TEST_F(UnlockLatchTest, WithAClosedLatchNobodyIsAskedForARecoveryKey) {
  CloseTheLatch();
  AddDimm("locked");
  bool asked = false;
  RunUnlock([&](const KekName&, const Error&) -> Result<Secret> {
    asked = true;
    return Fail("nobody answered in time");
  });
  EXPECT_FALSE(asked);
}

TEST_F(UnlockLatchTest, ARecoveryKeyUnlocksWhenThePcrsDiffer) {
  KeyFile file = Must(store_.ReadKeyFile(kMaster));
  file.recovery.push_back(Must(MakeKeySlot(kek_, SampleSecret(32))));
  WriteKeysFile("nvdimm-master.pem", Must(FormatKeyFile(file)));
  ChangePcr();
  AddDimm("locked");
  RunUnlock([&](const KekName&, const Error&) { return FormatRecoveryKey(SampleSecret(32)); });
  EXPECT_EQ(Bound(), "nmem0");
  EXPECT_FALSE(HoldsKey("user", "nvdimm-master"));
}

TEST_F(UnlockLatchTest, ALatchThatCannotBeClosedIsAProblem) {
  AddDimm("disabled");
  RecordingProxy proxy(swtpm(), [](uint32_t command, Bytes& response) {
    if (command == TPM2_CC_NV_ReadLock) response.back() ^= 1;
  });
  environment_.tpm_device = proxy.device();
  EXPECT_EQ(RunUnlock().Verdict(), Errc::kWrongTpm);
  EXPECT_EQ(Bound(), "nmem0");
}

}  // namespace
}  // namespace nvunlock
