// SPDX-License-Identifier: Apache-2.0
// What an unlock leaves for the booted system, so that it can approve what boots next.
#include <gmock/gmock.h>

#include "src/records/unlearnt.h"
#include "src/seal/held_update_key.h"
#include "src/unlock/drop_keys.h"
#include "src/unlock/unlock.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class UnlockUpdatesTest : public MachineTest {
 protected:
  void SetUp() override {
    ResetTo({7, 8});
    AddBlob(kDimmId, kek_);
    EnrollFor(0);
  }

  static void ResetTo(std::initializer_list<unsigned> pcrs) {
    swtpm().PowerCycle();
    Tpm tpm = ConnectTo(swtpm());
    for (unsigned pcr : pcrs) ExtendPcr(tpm, pcr, Sha256Bank());
  }

  /// This boot is approved, and as many of the next ones.
  void EnrollFor(unsigned next_boots) const {
    EnrollOptions options = DefaultOptions();
    options.policy.next_boots = next_boots;
    options.import_clear_kek = true;
    options.recovery.key = SampleSecret(32, 0x70);
    std::filesystem::remove(KeysPathOf("nvdimm-master.pem"));
    WriteKeysFile("nvdimm-master.blob", AsText(kek_.bytes()));
    Must(Enroll(environment_, options));
    std::filesystem::remove(KeysPathOf("nvdimm-master.blob"));
    Must(Must(keyring().Find("user", "nvdimm-master"))->Invalidate());
  }

  UnlockReport RunUnlock(Updates updates = Updates::kUnattended) const {
    UnlockOptions options = {.config = {.updates = updates}};
    options.ask_recovery = [](const KekName&, const Error&) {
      return FormatRecoveryKey(SampleSecret(32, 0x70));
    };
    return Unlock(environment_, options);
  }

  [[nodiscard]] bool HoldsUpdateKey() const {
    return Must(FindHeldUpdateKey(environment_, {"user", "nvdimm-master"})).has_value();
  }
  [[nodiscard]] std::vector<KekName> Unlearnt() const { return Must(ReadUnlearnt(environment_)); }

  const Secret kek_ = SampleSecret(32);
};

const std::vector<KekName> kNothing;

TEST_F(UnlockUpdatesTest, WhereUpdatesAreUnattendedTheUpdateKeyIsHeld) {
  EXPECT_EQ(RunUnlock().Verdict(), std::nullopt);
  EXPECT_TRUE(HoldsUpdateKey());
  EXPECT_EQ(Unlearnt(), kNothing);
  EXPECT_FALSE(HoldsKey("user", "nvdimm-master"));
}

TEST_F(UnlockUpdatesTest, WhereUpdatesAreAttendedItIsNot) {
  EXPECT_EQ(RunUnlock(Updates::kAttended).Verdict(), std::nullopt);
  EXPECT_FALSE(HoldsUpdateKey());
  EXPECT_EQ(Unlearnt(), kNothing);
}

TEST_F(UnlockUpdatesTest, ABootThatOpensByItsNumberIsToBeLearnt) {
  EnrollFor(1);
  ResetTo({7});
  UnlockReport report = RunUnlock(Updates::kAttended);
  EXPECT_EQ(report.Verdict(), std::nullopt);
  EXPECT_THAT(report.notes, Contains(HasSubstr("'nvunlock approve --learn'")));
  EXPECT_THAT(Unlearnt(), ElementsAre(KekName{"user", "nvdimm-master"}));
  EXPECT_TRUE(HoldsUpdateKey()) << "whatever else it may do, it must learn";
}

/// An approval for the next boot ends with it, also where it was not needed.
TEST_F(UnlockUpdatesTest, ABootThatOpensByItsPcrsEndsAnApprovalByNumber) {
  EnrollFor(1);
  ResetTo({7, 8});
  EXPECT_EQ(RunUnlock().Verdict(), std::nullopt);
  EXPECT_THAT(Unlearnt(), ElementsAre(KekName{"user", "nvdimm-master"}));
}

TEST_F(UnlockUpdatesTest, ABootThatARecoveryKeyOpensIsToBeLearnt) {
  ResetTo({7});
  RunUnlock(Updates::kAttended);
  EXPECT_THAT(Unlearnt(), ElementsAre(KekName{"user", "nvdimm-master"}));
  EXPECT_TRUE(HoldsUpdateKey());
}

TEST_F(UnlockUpdatesTest, WhatDoesNotOpenLeavesNothing) {
  ResetTo({7});
  UnlockOptions options = {.config = {}};
  EXPECT_EQ(Unlock(environment_, options).Verdict(), Errc::kPolicyMismatch);
  EXPECT_FALSE(HoldsUpdateKey());
  EXPECT_EQ(Unlearnt(), kNothing);
}

TEST_F(UnlockUpdatesTest, AnEmergencyDropsTheUpdateKey) {
  RunUnlock();
  ASSERT_TRUE(HoldsUpdateKey());
  EXPECT_THAT(DropKeys(environment_), Succeeds());
  EXPECT_FALSE(HoldsUpdateKey());
}

}  // namespace
}  // namespace nvunlock
