// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/unlock.h"

#include <gmock/gmock.h>

#include "src/model/blob_record.h"
#include "src/records/unlock_record.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/module_tree.h"
#include "test/unit/support/nd_tree.h"
#include "test/unit/support/record_lines.h"

namespace nvunlock {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

UnlockReport ReportOf(std::initializer_list<Errc> problems,
                      std::initializer_list<Errc> dimm_problems = {}) {
  UnlockReport report;
  for (Errc code : problems) report.problems.push_back({code, "problem"});
  for (Errc code : dimm_problems) {
    report.dimms.push_back({.before = {}, .after = {}, .problem = Error{code, "problem"}});
  }
  return report;
}

TEST(UnlockVerdictTest, IsNoneWhenAllIsWell) {
  UnlockReport report = ReportOf({});
  report.dimms.resize(2);
  report.notes.emplace_back("something to know");
  EXPECT_EQ(report.Verdict(), std::nullopt);
}

TEST(UnlockVerdictTest, TheProblemOfADimmCountsAsMuchAsOneOfAll) {
  EXPECT_EQ(ReportOf({Errc::kLockout}).Verdict(), Errc::kLockout);
  EXPECT_EQ(ReportOf({}, {Errc::kDimmLocked}).Verdict(), Errc::kDimmLocked);
}

TEST(UnlockVerdictTest, TheProblemThatLiesDeepestWins) {
  const Errc deepest_first[] = {
      Errc::kTpmNotReady,    Errc::kNoTpm,        Errc::kWrongTpm,      Errc::kNoSignature,
      Errc::kPolicyMismatch, Errc::kLatchClosed,  Errc::kLatchGone,     Errc::kLockout,
      Errc::kWrongPin,       Errc::kPcrsChanging, Errc::kBadKeyFile,    Errc::kKeysIncomplete,
      Errc::kDimmLocked,     Errc::kNotFrozen,    Errc::kOwnerPassword, Errc::kFailed};
  for (size_t i = 0; i < std::size(deepest_first); i++) {
    for (size_t j = i; j < std::size(deepest_first); j++) {
      Errc deeper = deepest_first[i];
      Errc other = deepest_first[j];
      EXPECT_EQ(ReportOf({deeper, other}).Verdict(), deeper);
      EXPECT_EQ(ReportOf({other}, {deeper}).Verdict(), deeper);
      EXPECT_EQ(ReportOf({deeper}, {other}).Verdict(), deeper);
    }
  }
}

/// A machine whose drivers are built in. Its DIMMs are plain files that keep what is written to
/// them: what the kernel makes of that is for tests with a kernel.
class UnlockTest : public MachineTest {
 protected:
  UnlockTest() {
    directory_.Write("sys/bus/acpi/devices/ACPI0012:00/uevent", "");
    directory_.Write("sys/module/libnvdimm/parameters/key_revalidate", "N\n");
    MakeModuleTree(directory_, {"libnvdimm", "nfit"});
  }

  UnlockReport RunUnlock() const {
    return Unlock(environment_, {.config = config_, .ask_recovery = {}});
  }

  [[nodiscard]] std::string Bound() const { return tree_.ReadBusFile("drivers/nvdimm/bind"); }

  void EnrollAndAddBlob() const {
    EnrollKek(SampleSecret(32));
    AddBlob(kDimmId, SampleSecret(32));
  }

  NdTree tree_{directory_};
  Config config_;
};

TEST_F(UnlockTest, ALockedDimmWithoutAKeyIsNeverBound) {
  tree_.AddDimm({.nmem = "nmem0", .id = kDimmId, .security = "locked"});
  UnlockReport report = RunUnlock();
  EXPECT_EQ(Bound(), "");
  ASSERT_THAT(report.dimms, SizeIs(1));
  EXPECT_EQ(report.Verdict(), Errc::kDimmLocked);
  EXPECT_THAT(report.dimms[0].problem->message, HasSubstr("there is no key for it"));
}

TEST_F(UnlockTest, ALockedDimmWithABadBlobIsNeverBoundAndTheBlobIsBlamed) {
  EnrollKek(SampleSecret(32));
  AddBlob(kDimmId, SampleSecret(32, 2));
  tree_.AddDimm({.nmem = "nmem0", .id = kDimmId, .security = "locked"});
  UnlockReport report = RunUnlock();
  EXPECT_EQ(Bound(), "");
  EXPECT_EQ(report.Verdict(), Errc::kKeysIncomplete);
}

TEST_F(UnlockTest, ALockedAndFrozenDimmIsNeverBoundThoughItsKeyIsThere) {
  EnrollAndAddBlob();
  tree_.AddDimm({.nmem = "nmem0", .id = kDimmId, .security = "locked", .frozen = "1"});
  UnlockReport report = RunUnlock();
  EXPECT_EQ(Bound(), "");
  EXPECT_EQ(report.Verdict(), Errc::kDimmLocked);
}

TEST_F(UnlockTest, AnUnlockedDimmWithoutAKeyIsNotBoundWhenTheKernelRevalidates) {
  directory_.Write("sys/module/libnvdimm/parameters/key_revalidate", "Y\n");
  tree_.AddDimm({.nmem = "nmem0", .id = kDimmId, .security = "unlocked", .frozen = "1"});
  RunUnlock();
  EXPECT_EQ(Bound(), "");
}

TEST_F(UnlockTest, ALockedDimmWithItsKeyIsBound) {
  EnrollAndAddBlob();
  tree_.AddDimm({.nmem = "nmem0", .id = kDimmId, .security = "locked"});
  RunUnlock();
  EXPECT_EQ(Bound(), "nmem0");
}

TEST_F(UnlockTest, ADimmThatIsStillLockedAfterwardsRefusedItsPassphrase) {
  EnrollAndAddBlob();
  tree_.AddDimm({.nmem = "nmem0", .id = kDimmId, .security = "locked"});
  UnlockReport report = RunUnlock();
  EXPECT_EQ(report.Verdict(), Errc::kDimmLocked);
  EXPECT_THAT(report.dimms[0].problem->message, HasSubstr("refused the passphrase"));
}

TEST_F(UnlockTest, ADimmWithoutSecurityIsBoundWithoutKeys) {
  environment_.tpm_device = "/nonexistent/tpm";
  tree_.AddDimm({.nmem = "nmem0", .security = "disabled"});
  RunUnlock();
  EXPECT_EQ(Bound(), "nmem0");
}

TEST_F(UnlockTest, AnUnlockedDimmIsFrozen) {
  tree_.AddDimm({.nmem = "nmem0", .security = "unlocked", .frozen = "0", .bound = true});
  UnlockReport report = RunUnlock();
  EXPECT_THAT(tree_.ReadAttribute("nmem0", "security"), HasSubstr("freeze"));
  EXPECT_EQ(report.Verdict(), Errc::kNotFrozen);  // plain files do not freeze
}

TEST_F(UnlockTest, AnUnlockedDimmIsTestedWithItsKeyBeforeItIsFrozen) {
  EnrollAndAddBlob();
  tree_.AddDimm({.nmem = "nmem0", .id = kDimmId, .security = "unlocked", .bound = true});
  EXPECT_TRUE(RunUnlock().dimms.at(0).revalidated);
}

TEST_F(UnlockTest, AnUnlockedDimmIsNotTestedWhenTheAdminDoesNotWantIt) {
  EnrollAndAddBlob();
  config_.key_revalidate = false;
  tree_.AddDimm({.nmem = "nmem0", .id = kDimmId, .security = "unlocked", .bound = true});
  EXPECT_FALSE(RunUnlock().dimms.at(0).revalidated);
}

TEST_F(UnlockTest, NoKeyIsLeftBehind) {
  EnrollAndAddBlob();
  tree_.AddDimm({.nmem = "nmem0", .id = kDimmId, .security = "locked"});
  RunUnlock();
  EXPECT_FALSE(HoldsKey("user", "nvdimm-master"));
  EXPECT_FALSE(HoldsKey("encrypted", std::string("nvdimm:") + kDimmId));
}

/// It is held while the DIMMs are bound, for the other blob.
TEST_F(UnlockTest, NoKekIsLeftBehindWhereThereAreTwoBlobs) {
  EnrollAndAddBlob();
  std::string name = std::string(kDimmId) + "_here.blob";
  std::string staged = ReadKeysFile("nvdimm_" + name);
  AddBlob(kDimmId, SampleSecret(32));
  WriteKeysFile("nvdimm-new_" + name, staged);
  tree_.AddDimm({.nmem = "nmem0", .id = kDimmId, .security = "locked"});
  EXPECT_THAT(RunUnlock().dimms.at(0).problem->message, HasSubstr("two attempts are used up"));
  EXPECT_FALSE(Must(Keyring::Process().Find("user", "nvdimm-master")));
  EXPECT_FALSE(HoldsKey("encrypted", std::string("nvdimm:") + kDimmId));
}

TEST_F(UnlockTest, TheBlobThatADimmTookIsRecorded) {
  EnrollKek(SampleSecret(32));
  std::string blob = AddBlob(kDimmId, SampleSecret(32));
  tree_.AddDimm({.nmem = "nmem0", .id = kDimmId, .security = "unlocked", .bound = true});
  RunUnlock();
  UnlockedBlob taken = ReadUnlockedWith(environment_).at(kDimmId);
  EXPECT_EQ(taken.hash, HashOfBlob(blob));
  EXPECT_EQ(taken.line, LineFor(kDimmId, blob, SampleSecret(32)));
}

/// The first has opened the other DIMM.
TEST_F(UnlockTest, ASecondRunKeepsWhatTheFirstHasRecorded) {
  EnrollKek(SampleSecret(32));
  AddBlob(kDimmId, SampleSecret(32));
  Must(WriteUnlockedWith(environment_, {{kOtherDimmId, {"hash", true}}}));
  tree_.AddDimm({.nmem = "nmem0", .id = kDimmId, .security = "unlocked", .bound = true});
  RunUnlock();
  EXPECT_EQ(ReadUnlockedWith(environment_).size(), 2U);
  EXPECT_TRUE(ReadUnlockedWith(environment_).at(kOtherDimmId).frozen);
}

TEST_F(UnlockTest, WhereNoneTookItsBlobNothingIsRecorded) {
  EnrollAndAddBlob();
  tree_.AddDimm({.nmem = "nmem0", .id = kDimmId, .security = "locked"});
  RunUnlock();
  EXPECT_FALSE(directory_.Holds("run/nvunlock/unlocked-with"));
}

TEST_F(UnlockTest, KeysStayWhenTheAdminWantsThem) {
  EnrollAndAddBlob();
  config_.kek_keyring = KekKeyring::kUser;
  tree_.AddDimm({.nmem = "nmem0", .id = kDimmId, .security = "locked"});
  RunUnlock();
  EXPECT_TRUE(HoldsKey("user", "nvdimm-master"));
  EXPECT_TRUE(HoldsKey("encrypted", std::string("nvdimm:") + kDimmId));
}

TEST_F(UnlockTest, AutoprobingIsOnAgainAndRegionsAreProbed) {
  tree_.AddDimm({.nmem = "nmem0", .security = "disabled"});
  tree_.AddDevice("region0", false);
  RunUnlock();
  EXPECT_EQ(tree_.ReadBusFile("drivers_autoprobe"), "1");
  EXPECT_THAT(tree_.ReadBusFile("drivers_probe"), HasSubstr("region0"));
}

TEST_F(UnlockTest, ThePcrsOfThisMomentAreRecorded) {
  tree_.AddDimm({.nmem = "nmem0", .security = "disabled"});
  RunUnlock();
  EXPECT_TRUE(directory_.Holds("run/nvunlock/pcrs.json"));
}

TEST_F(UnlockTest, ASecondRunDoesNotUnsealAgain) {
  EnrollAndAddBlob();
  environment_.tpm_device = "/nonexistent/tpm";
  tree_.AddDimm(
      {.nmem = "nmem0", .id = kDimmId, .security = "unlocked", .frozen = "1", .bound = true});
  tree_.AddDimm({.nmem = "nmem1", .id = kOtherDimmId, .security = "disabled", .bound = true});
  UnlockReport report = RunUnlock();
  EXPECT_EQ(report.Verdict(), std::nullopt);
  EXPECT_THAT(report.dimms, SizeIs(2));
  EXPECT_FALSE(directory_.Holds("run/nvunlock/pcrs.json"));
  EXPECT_EQ(tree_.ReadBusFile("drivers_autoprobe"), "");
}

TEST_F(UnlockTest, ADimmThatCannotBeInspectedIsAProblemAndStopsNoOther) {
  tree_.AddDimm({.nmem = "nmem0", .id = "", .security = "locked"});
  tree_.AddDimm({.nmem = "nmem1", .security = "disabled"});
  UnlockReport report = RunUnlock();
  EXPECT_EQ(Bound(), "nmem1");
  ASSERT_THAT(report.problems, SizeIs(1));
  EXPECT_THAT(report.problems[0].message, HasSubstr("nmem0"));
}

TEST(UnlockWithoutDimmsTest, ThereIsNothingToDo) {
  TemporaryDirectory directory;
  Environment environment = EnvironmentBelow(directory.path());
  environment.tpm_device = "/nonexistent/tpm";
  UnlockReport report = Unlock(environment, {.config = {}});
  EXPECT_EQ(report.Verdict(), std::nullopt);
  EXPECT_THAT(report.dimms, IsEmpty());
}

}  // namespace
}  // namespace nvunlock
