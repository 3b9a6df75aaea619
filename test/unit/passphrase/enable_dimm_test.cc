// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/enable_dimm.h"

#include "test/unit/support/operations_test.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class EnableDimmTest : public OperationsTest {
 protected:
  EnableDimmTest() {
    directory_.Write("sys/module/libnvdimm/parameters/key_revalidate", "N\n");
    directory_.Write("sys/bus/nd/drivers/nvdimm/unbind", "");
  }

  void AddDimm(const std::string& nmem, const std::string& id, const std::string& security,
               bool bound = false) const {
    tree_.AddDimm({.nmem = nmem, .id = id, .security = security, .bound = bound});
  }

  [[nodiscard]] DimmReport Enable(const std::vector<std::string>& nmems = {"nmem0"},
                                  bool dry_run = false) const {
    return EnableDimms(environment_, nmems, {.dry_run = dry_run});
  }
  [[nodiscard]] DimmReport Disable(bool dry_run = false) const {
    return DisableDimms(environment_, {"nmem0"}, {.dry_run = dry_run});
  }

  [[nodiscard]] std::string Bound() const { return tree_.ReadBusFile("drivers/nvdimm/bind"); }
  [[nodiscard]] std::string Unbound() const { return tree_.ReadBusFile("drivers/nvdimm/unbind"); }
};

TEST_F(EnableDimmTest, ALockedDimmWithoutAKeyIsNeverBound) {
  AddDimm("nmem0", kId, "locked");
  DimmReport report = Enable();
  EXPECT_EQ(Bound(), "");
  ASSERT_THAT(report.dimms, SizeIs(1));
  EXPECT_EQ(report.dimms[0].problem->code, Errc::kDimmLocked);
}

TEST_F(EnableDimmTest, NorIsOneWhoseKekIsNotInTheKeyring) {
  AddDimm("nmem0", kId, "locked");
  AddBlobOf({"user", "rack7"}, SampleSecret(32, 0x50), kId);
  EnrollKek({"user", "rack7"}, SampleSecret(32, 0x50));
  DimmReport report = Enable();
  EXPECT_EQ(Bound(), "");
  EXPECT_EQ(report.dimms.at(0).problem->code, Errc::kKekMissing);
  EXPECT_THAT(report.dimms[0].problem->message, HasSubstr("user:rack7 is unavailable"));
}

TEST_F(EnableDimmTest, NorIsOneWhoseBlobIsDamaged) {
  AddDimm("nmem0", kId, "locked");
  AddBlobOf(kek_name_, SampleSecret(32, 0x50), kId);
  EXPECT_EQ(Enable().dimms.at(0).problem->code, Errc::kKeysIncomplete);
  EXPECT_EQ(Bound(), "");
}

TEST_F(EnableDimmTest, ALockedDimmWithItsKeyIsBound) {
  AddDimm("nmem0", kId, "locked");
  AddBlob(kId);
  (void)Enable();
  EXPECT_EQ(Bound(), "nmem0");
  Key key = *Must(keyring().Find("encrypted", std::string("nvdimm:") + kId));
  EXPECT_NE(ExpiryOf(key), "perm");
  EXPECT_TRUE(HoldsKey("user", "nvdimm-master"));
}

TEST_F(EnableDimmTest, SoIsOneWhoseKeySomebodyElseHasLoaded) {
  AddDimm("nmem0", kId, "locked");
  std::string blob = Must(WrapPassphrase(kek_name_, kek_, SampleSecret(32))).text;
  (void)Must(keyring().LoadEncrypted(std::string("nvdimm:") + kId, blob));
  EXPECT_THAT(Enable().notes, ElementsAre(HasSubstr("using its key from the keyring")));
  EXPECT_EQ(Bound(), "nmem0");
}

TEST_F(EnableDimmTest, ButNotWhereTheDimmHasABlobOfAnotherPassphrase) {
  AddDimm("nmem0", kId, "locked");
  AddBlob(kId);
  std::string blob = Must(WrapPassphrase(kek_name_, kek_, SampleSecret(32))).text;
  (void)Must(keyring().LoadEncrypted(std::string("nvdimm:") + kId, blob));
  EXPECT_THAT(Enable().dimms.at(0).problem->message,
              HasSubstr(std::string("keyctl unlink %encrypted:nvdimm:") + kId + " @u"));
  EXPECT_EQ(Bound(), "");
}

TEST_F(EnableDimmTest, NorWhereTheKekThatWouldShowItIsMissing) {
  AddDimm("nmem0", kId, "locked");
  AddBlobOf({"user", "rack7"}, SampleSecret(32, 0x50), kId);
  std::string blob = Must(WrapPassphrase(kek_name_, kek_, SampleSecret(32))).text;
  (void)Must(keyring().LoadEncrypted(std::string("nvdimm:") + kId, blob));
  EXPECT_EQ(Enable().dimms.at(0).problem->code, Errc::kKekMissing);
  EXPECT_EQ(Bound(), "");
}

TEST_F(EnableDimmTest, OneDimmsFailureDoesNotStopTheOthers) {
  AddDimm("nmem0", kId, "locked");
  AddDimm("nmem1", kOtherId, "disabled");
  DimmReport report = Enable({"nmem0", "nmem1"});
  EXPECT_EQ(Bound(), "nmem1");
  EXPECT_EQ(report.dimms.at(0).problem->code, Errc::kDimmLocked);
}

TEST_F(EnableDimmTest, ADimmThatIsEnabledIsLeftAlone) {
  AddDimm("nmem0", kId, "unlocked", /*bound=*/true);
  EXPECT_EQ(Enable().CountDone(), 1U);
  EXPECT_EQ(Bound(), "");
}

TEST_F(EnableDimmTest, ALockedDimmWithoutItsKeyIsNotBoundAnewEither) {
  AddDimm("nmem0", kId, "locked", /*bound=*/true);
  EXPECT_EQ(Enable().dimms.at(0).problem->code, Errc::kDimmLocked);
  EXPECT_EQ(Bound(), "");
}

TEST_F(EnableDimmTest, ADryRunBindsNothing) {
  AddDimm("nmem0", kId, "disabled");
  EXPECT_THAT(Enable({"nmem0"}, /*dry_run=*/true).dimms.at(0).planned,
              ElementsAre("bind nmem0 to its driver"));
  EXPECT_EQ(Bound(), "");
}

using DisableDimmTest = EnableDimmTest;

TEST_F(DisableDimmTest, ADimmIsTakenFromItsDriver) {
  AddDimm("nmem0", kId, "unlocked", /*bound=*/true);
  EXPECT_EQ(Disable().CountDone(), 1U);
  EXPECT_EQ(Unbound(), "nmem0");
}

TEST_F(DisableDimmTest, ADimmInUseIsNot) {
  AddDimm("nmem0", kId, "unlocked", /*bound=*/true);
  tree_.SetAttribute("nmem0", "state", "active");
  EXPECT_THAT(Disable().dimms.at(0).problem->message, HasSubstr("regions are active on nmem0"));
  EXPECT_EQ(Unbound(), "");
}

TEST_F(DisableDimmTest, OneWithoutADriverHasNoneToLeave) {
  AddDimm("nmem0", kId, "unlocked");
  EXPECT_EQ(Disable().CountDone(), 1U);
  EXPECT_EQ(Unbound(), "");
}

TEST_F(DisableDimmTest, ADryRunUnbindsNothing) {
  AddDimm("nmem0", kId, "unlocked", /*bound=*/true);
  EXPECT_THAT(Disable(/*dry_run=*/true).dimms.at(0).planned,
              ElementsAre("take nmem0 from its driver"));
  EXPECT_EQ(Unbound(), "");
}

}  // namespace
}  // namespace nvunlock
