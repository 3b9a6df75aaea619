// SPDX-License-Identifier: Apache-2.0
// What ChangePassphrases leaves behind when something fails.
#include "src/keys/recorded_blobs.h"
#include "src/passphrase/change_passphrase.h"
#include "test/unit/support/changed_dimms.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ChangeFailuresTest : public ChangedDimmsTest {
 protected:
  /// The only DIMM's failure.
  static Error ProblemOf(const DimmReport& report) {
    EXPECT_THAT(report.dimms, SizeIs(1));
    EXPECT_TRUE(report.dimms.at(0).problem);
    return report.dimms[0].problem.value_or(Error());
  }

  /// It fails with WORDS, and nothing has been written anywhere.
  void ExpectUntouched(const ChangeOptions& options, const std::string& words) {
    size_t files = CountKeysFiles();
    std::string security = Security();
    Error problem = ProblemOf(Change(options));
    EXPECT_THAT(problem.message, HasSubstr(words));
    EXPECT_EQ(CountKeysFiles(), files);
    EXPECT_EQ(Security(), security);
    EXPECT_EQ(refreshes_, 0);
    EXPECT_THAT(steps_, IsEmpty());
  }
};

TEST_F(ChangeFailuresTest, WithoutAGoodImageNothingIsSentAndNothingStaysStaged) {
  AddDimm("nmem0", kId, "unlocked");
  AddDimm("nmem1", kOtherId, "unlocked");
  std::string before = AddBlob(kId);
  AddBlob(kOtherId);
  images_fail_ = true;
  DimmReport report = Change(Update(), {"nmem0", "nmem1"});
  ASSERT_THAT(report.problems, SizeIs(1));
  EXPECT_EQ(report.problems[0].code, Errc::kImageOutdated);
  ASSERT_THAT(report.dimms, SizeIs(2));
  for (const DimmResult& result : report.dimms) {
    EXPECT_EQ(result.problem->code, Errc::kImageOutdated);
  }
  EXPECT_EQ(Security("nmem0"), "unlocked\n");
  EXPECT_EQ(Security("nmem1"), "unlocked\n");
  EXPECT_EQ(ReadBlob(kId), before);
  EXPECT_EQ(CountKeysFiles(), 2U);
  EXPECT_THAT(steps_, ElementsAre("step: staged"));
}

TEST_F(ChangeFailuresTest, AFrozenDimmIsLeftAloneAndSoAreItsBlobs) {
  AddBlob(kId);
  tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = "unlocked", .frozen = "1"});
  ExpectUntouched(Update(), "frozen until the next power-on");
  ExpectUntouched(Remove(), "frozen until the next power-on");
}

TEST_F(ChangeFailuresTest, ADimmInUseIsLeftAlone) {
  AddDimm("nmem0", kId, "disabled");
  tree_.SetAttribute("nmem0", "state", "active");
  ExpectUntouched(Setup(), "regions are active on nmem0");
}

TEST_F(ChangeFailuresTest, ADimmThatIsBeingOverwrittenIsLeftAlone) {
  AddBlob(kId);
  AddDimm("nmem0", kId, "overwrite");
  ExpectUntouched(Update(), "an overwrite is running");
}

TEST_F(ChangeFailuresTest, ADimmWithoutSecurityIsLeftAlone) {
  tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = ""});
  EXPECT_THAT(ProblemOf(Change(Setup())).message, HasSubstr("not supported"));
  EXPECT_EQ(CountKeysFiles(), 0U);
}

/// A new passphrase alone would be refused, and cost a try.
TEST_F(ChangeFailuresTest, WithoutTheOldKekNothingIsSent) {
  KekName old = {"user", "old"};
  AddBlobOf(old, SampleSecret(32), kId);
  AddDimm("nmem0", kId, "unlocked");
  ChangeOptions options = Update();
  options.kek = kek_name_;
  ExpectUntouched(options, "user:old");
}

TEST_F(ChangeFailuresTest, ALockedDimmIsLeftAlone) {
  AddBlob(kId);
  AddDimm("nmem0", kId, "locked");
  ExpectUntouched(Update(), "it is locked");
  ExpectUntouched(Remove(), "it is locked");
}

TEST_F(ChangeFailuresTest, ADimmWithAPassphraseIsNotSetUpAgain) {
  AddDimm("nmem0", kId, "unlocked");
  ExpectUntouched(Setup(), "--import-passphrase");
  AddBlob(kId);
  Error problem = ProblemOf(Change(Setup()));
  EXPECT_THAT(problem.message, HasSubstr("already exists;"));
  EXPECT_EQ(Security(), "unlocked\n");
  // An earlier run may have been cut short before its images were settled.
  EXPECT_EQ(refreshes_, 1);
}

TEST_F(ChangeFailuresTest, ADimmWithoutAPassphraseHasNoneToChange) {
  AddDimm("nmem0", kId, "disabled");
  ExpectUntouched(Remove(), "it has no passphrase");
  ExpectUntouched(Update(), "it has no passphrase");
}

TEST_F(ChangeFailuresTest, AMasterPassphraseNeedsADimmWithoutTheUsers) {
  AddDimm("nmem0", kId, "unlocked");
  for (ChangeOptions options : {Setup(), Update()}) {
    options.role = PassphraseRole::kMaster;
    ExpectUntouched(options, "only while the DIMM has no user passphrase");
  }
}

TEST_F(ChangeFailuresTest, TheKekMustBeInTheKeyring) {
  AddDimm("nmem0", kId, "disabled");
  ChangeOptions options = Setup();
  options.kek = KekName{"user", "rack7"};
  ExpectUntouched(options, "user:rack7 is neither in the keyring nor in");
}

TEST_F(ChangeFailuresTest, TheKekMustBeTheOneThatIsEnrolled) {
  AddDimm("nmem0", kId, "disabled");
  EnrollKek(kek_name_, SampleSecret(32, 0x50));
  ExpectUntouched(Setup(), "is not the kek of");
}

TEST_F(ChangeFailuresTest, OneDimmsFailureDoesNotStopTheOthers) {
  tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = "disabled", .frozen = "1"});
  AddDimm("nmem1", kOtherId, "disabled");
  DimmReport report = Change(Setup(), {"nmem0", "nmem1"});
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.CountDone(), 1U);
  EXPECT_TRUE(report.dimms.at(0).problem);
  EXPECT_TRUE(HoldsBlob(kOtherId));
  EXPECT_FALSE(HoldsBlob(kId));
}

TEST_F(ChangeFailuresTest, ADimmThatIsNotThereDoesNotStopTheOthers) {
  tree_.AddDimm({.nmem = "nmem0", .id = "", .security = "disabled"});
  AddDimm("nmem1", kOtherId, "disabled");
  EXPECT_EQ(Change(Setup(), {"nmem0", "nmem1"}).CountDone(), 1U);
  EXPECT_TRUE(HoldsBlob(kOtherId));
}

/// ndctl puts the new blob in the place of the good one.
TEST_F(ChangeFailuresTest, ARefusedPassphraseNeverReplacesTheGoodBlob) {
  AddDimm("nmem0", kId, "unlocked");
  std::string before = AddBlob(kId);
  on_refresh_ = [this] { LetRefuse("nmem0"); };
  EXPECT_EQ(ProblemOf(Change(Update())).code, Errc::kPassphraseRefused);
  EXPECT_EQ(ReadBlob(kId), before);
  EXPECT_FALSE(HoldsBlob(kId, kStagedBlob));
}

/// Other DIMMs that were staged together with it go on.
TEST_F(ChangeFailuresTest, ARefusalDoesNotStopTheOthers) {
  AddDimm("nmem0", kId, "unlocked");
  AddDimm("nmem1", kOtherId, "unlocked");
  AddBlob(kId);
  std::string other = AddBlob(kOtherId);
  on_refresh_ = [this] {
    if (refreshes_ == 1) LetRefuse("nmem0");
  };
  EXPECT_EQ(Change(Update(), {"nmem0", "nmem1"}).CountDone(), 1U);
  EXPECT_NE(ReadBlob(kOtherId), other);
}

TEST_F(ChangeFailuresTest, ADimmThatDoesNotSayThatItHasTheOldOneGetsNoNewOne) {
  AddDimm("nmem0", kId, "unlocked");
  std::string before = AddBlob(kId);
  on_refresh_ = [this] { LetFail("nmem0"); };
  EXPECT_EQ(ProblemOf(Change(Update())).code, Errc::kFailed);
  EXPECT_EQ(ReadBlob(kId), before);
  EXPECT_FALSE(HoldsBlob(kId, kStagedBlob));
}

/// The kernel also says EINVAL when the DIMM took it and the firmware's answer was lost.
TEST_F(ChangeFailuresTest, WhenItIsNotClearWhetherADimmWasSetUpTheOnlyCopyStays) {
  AddDimm("nmem0", kId, "disabled");
  AddDimm("nmem1", kOtherId, "disabled");
  on_refresh_ = [this] {
    LetRefuse("nmem0");
    LetFail("nmem1");
  };
  DimmReport report = Change(Setup(), {"nmem0", "nmem1"});
  EXPECT_THAT(report.dimms, SizeIs(2));
  for (const DimmResult& result : report.dimms) {
    EXPECT_THAT(result.problem->message, HasSubstr("the new passphrase is kept"));
  }
  EXPECT_TRUE(HoldsBlob(kId, kStagedBlob));
  EXPECT_TRUE(HoldsBlob(kOtherId, kStagedBlob));
}

TEST_F(ChangeFailuresTest, AMasterPassphraseThatMayBeTheDimmsIsKeptAndNotMadeAnew) {
  AddDimm("nmem0", kId, "disabled");
  LetRefuse("nmem0");
  ChangeOptions options = Setup();
  options.role = PassphraseRole::kMaster;
  std::string staged;
  for (int run = 0; run < 2; run++) {
    EXPECT_THAT(ProblemOf(Change(options)).message, HasSubstr("the new passphrase is kept"));
    ASSERT_TRUE(HoldsBlob(kId, kStagedMasterBlob));
    if (run == 1) {
      EXPECT_EQ(ReadBlob(kId, kStagedMasterBlob), staged);
    }
    staged = ReadBlob(kId, kStagedMasterBlob);
  }
}

/// Plain files do not lose their passphrase.
TEST_F(ChangeFailuresTest, ADimmThatKeepsItsPassphraseKeepsItsBlob) {
  AddDimm("nmem0", kId, "unlocked");
  AddBlob(kId);
  EXPECT_THAT(ProblemOf(Change(Remove())).message, HasSubstr("still has a passphrase"));
  EXPECT_TRUE(HoldsBlob(kId));
  EXPECT_THAT(Security(), HasSubstr("disable "));
}

TEST_F(ChangeFailuresTest, ImagesThatCannotBeSettledAreAProblemAfterwards) {
  AddDimm("nmem0", kId, "disabled");
  on_refresh_ = [this] { images_fail_ = refreshes_ == 2; };
  DimmReport report = Change(Setup());
  EXPECT_EQ(report.CountDone(), 1U);
  ASSERT_THAT(report.problems, SizeIs(1));
  EXPECT_EQ(report.problems[0].code, Errc::kImageOutdated);
  EXPECT_TRUE(HoldsBlob(kId));
}

}  // namespace
}  // namespace nvunlock
