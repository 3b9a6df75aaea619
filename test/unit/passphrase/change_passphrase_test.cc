// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/change_passphrase.h"

#include "src/keys/recorded_blobs.h"
#include "src/model/blob_record.h"
#include "src/records/unlock_record.h"
#include "test/unit/support/changed_dimms.h"
#include "test/unit/support/record_lines.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::StartsWith;

using ChangePassphraseTest = ChangedDimmsTest;

TEST_F(ChangePassphraseTest, TheStepsComeInTheOrderInWhichAPowerCutDoesNoHarm) {
  AddDimm("nmem0", kId, "disabled");
  AddDimm("nmem1", kOtherId, "disabled");
  ExpectAllDone(Change(Setup(), {"nmem0", "nmem1"}), 2);
  EXPECT_THAT(steps_, ElementsAre("step: staged", "step: image staged", "step: nmem0 changed",
                                  "step: nmem1 changed", "step: settled", "step: image settled"));
}

TEST_F(ChangePassphraseTest, BothAreOnDiskBeforeTheDimmIsAsked) {
  AddDimm("nmem0", kId, "unlocked");
  std::string before = AddBlob(kId);
  on_refresh_ = [&] {
    if (refreshes_ > 1) return;
    EXPECT_EQ(ReadBlob(kId), before);
    EXPECT_NE(ReadBlob(kId, kStagedBlob), before);
    EXPECT_EQ(Security(), "unlocked\n");
    staged_ = ReadBlob(kId, kStagedBlob);
  };
  ExpectAllDone(Change(Update()), 1);
  EXPECT_EQ(refreshes_, 2);
  EXPECT_EQ(ReadBlob(kId), staged_);
  EXPECT_FALSE(HoldsBlob(kId, kStagedBlob));
}

TEST_F(ChangePassphraseTest, TheImagesAreRefreshedAgainOnceTheBlobsAreSettled) {
  AddDimm("nmem0", kId, "disabled");
  on_refresh_ = [&] {
    EXPECT_EQ(HoldsBlob(kId, kStagedBlob), refreshes_ == 1);
    EXPECT_EQ(HoldsBlob(kId), refreshes_ == 2);
  };
  Change(Setup());
  EXPECT_EQ(refreshes_, 2);
}

TEST_F(ChangePassphraseTest, ANewPassphraseIsMadeByTheKernelForEachDimm) {
  AddDimm("nmem0", kId, "disabled");
  AddDimm("nmem1", kOtherId, "disabled");
  Change(Setup(), {"nmem0", "nmem1"});
  for (const char* id : {kId, kOtherId}) {
    Enc32Blob blob = Must(ParseEnc32(ReadBlob(id)));
    EXPECT_EQ(blob.kek, kek_name_);
    EXPECT_TRUE(VerifyEnc32(blob, kek_));
  }
  EXPECT_NE(ReadBlob(kId), ReadBlob(kOtherId));
}

/// What the DIMM took is what it takes again: no success is believed.
TEST_F(ChangePassphraseTest, TheDimmIsAskedWhetherItHasTheNewOne) {
  AddDimm("nmem0", kId, "disabled");
  Change(Setup());
  std::vector<std::string> words = WordsOf(Security());
  ASSERT_GE(words.size(), 3U);
  EXPECT_EQ(words[0], "update");
  EXPECT_NE(words[1], "0");
  EXPECT_EQ(words[1], words[2]);
}

TEST_F(ChangePassphraseTest, TheNewKeyIsWhereNdctlLooksForItAndExpires) {
  AddDimm("nmem0", kId, "disabled");
  Change(Setup());
  std::optional<Key> key = Must(keyring().Find("encrypted", std::string("nvdimm:") + kId));
  ASSERT_TRUE(key);
  EXPECT_EQ(PayloadOf(*key), ReadBlob(kId));
  EXPECT_NE(ExpiryOf(*key), "perm");
}

TEST_F(ChangePassphraseTest, WithoutImagesNoneIsTouched) {
  AddDimm("nmem0", kId, "disabled");
  with_images_ = false;
  ExpectAllDone(Change(Setup()), 1);
  EXPECT_THAT(steps_, ElementsAre("step: staged", "step: nmem0 changed", "step: settled"));
}

TEST_F(ChangePassphraseTest, AMasterPassphraseIsNoImagesBusiness) {
  AddDimm("nmem0", kId, "disabled");
  ChangeOptions options = Setup();
  options.role = PassphraseRole::kMaster;
  ExpectAllDone(Change(options), 1);
  EXPECT_EQ(refreshes_, 0);
  EXPECT_THAT(Security(), StartsWith("master_update "));
  EXPECT_TRUE(HoldsBlob(kId, kMasterBlob));
  EXPECT_FALSE(HoldsBlob(kId));
}

TEST_F(ChangePassphraseTest, AnUpdateKeepsTheKekUnlessAnotherIsNamed) {
  const KekName other = {"user", "rack7"};
  AddKek(other, SampleSecret(32, 0x50));
  EnrollKek(other, SampleSecret(32, 0x50));
  AddDimm("nmem0", kId, "unlocked");
  AddBlobOf(other, SampleSecret(32, 0x50), kId);
  ExpectAllDone(Change(Update()), 1);
  EXPECT_EQ(Must(ParseEnc32(ReadBlob(kId))).kek, other);
  tree_.SetAttribute("nmem0", "security", "unlocked");
  ChangeOptions options = Update();
  options.kek = kek_name_;
  ExpectAllDone(Change(options), 1);
  EXPECT_EQ(Must(ParseEnc32(ReadBlob(kId))).kek, kek_name_);
}

/// An image that holds a staged blob holds its line, too.
TEST_F(ChangePassphraseTest, WhatIsStagedIsRecordedBeforeTheImagesAndAloneAfterwards) {
  EnrollKek(kek_name_, kek_);
  AddDimm("nmem0", kId, "unlocked");
  RecordLine old = LineFor(kId, AddBlob(kId), kek_);
  RecordLine other = LineFor(kOtherId, AddBlob(kOtherId), kek_);
  WriteKeysFile(kEnrolledDimmsFile, FormatBlobRecord({old, other}));
  std::vector<std::vector<RecordLine>> seen;
  std::vector<std::string> notes;
  on_refresh_ = [&] { seen.push_back(ReadBlobRecord(store_, notes).lines); };
  ExpectAllDone(Change(Update()), 1);
  RecordLine line = LineFor(kId, ReadBlob(kId), kek_);
  EXPECT_THAT(seen, ElementsAre(ElementsAre(old, other, line), ElementsAre(other, line)));
}

TEST_F(ChangePassphraseTest, ASetupIsRecordedAndARemovalTakesItOut) {
  EnrollKek(kek_name_, kek_);
  AddDimm("nmem0", kId, "disabled");
  Change(Setup());
  std::vector<std::string> notes;
  EXPECT_THAT(ReadBlobRecord(store_, notes).lines, ElementsAre(LineFor(kId, ReadBlob(kId), kek_)));
  tree_.SetAttribute("nmem0", "security", "disabled");
  ExpectAllDone(Change(Remove()), 1);
  EXPECT_THAT(ReadBlobRecord(store_, notes).lines, IsEmpty());
}

TEST_F(ChangePassphraseTest, AMasterPassphraseIsRecordedAsOne) {
  EnrollKek(kek_name_, kek_);
  AddDimm("nmem0", kId, "disabled");
  ChangeOptions options = Setup();
  options.role = PassphraseRole::kMaster;
  ExpectAllDone(Change(options), 1);
  std::vector<std::string> notes;
  EXPECT_THAT(ReadBlobRecord(store_, notes).lines,
              ElementsAre(LineFor(kId, ReadBlob(kId, kMasterBlob), kek_, PassphraseRole::kMaster)));
}

TEST_F(ChangePassphraseTest, TheBlobOfAnotherDimmIsNotSent) {
  AddDimm("nmem0", kId, "unlocked");
  WriteKeysFile(kEnrolledDimmsFile, FormatBlobRecord({LineFor(kOtherId, AddBlob(kId), kek_)}));
  DimmReport report = Change(Update());
  EXPECT_THAT(report.dimms.at(0).problem->message, HasSubstr("it is the blob of DIMM"));
  EXPECT_EQ(Security(), "unlocked\n");
}

/// Else the images could not be refreshed any more, and what the unlock took is out of date.
TEST_F(ChangePassphraseTest, TheRecordOfTheUnlockFollows) {
  AddDimm("nmem0", kId, "unlocked");
  std::string old = AddBlob(kId);
  UnlockedBlob other = {"hash", true};
  Must(WriteUnlockedWith(environment_, {{kId, {HashOfBlob(old), false}}, {kOtherId, other}}));
  std::vector<std::string> hashes;
  on_refresh_ = [&] { hashes.push_back(ReadUnlockedWith(environment_)[kId].hash); };
  ExpectAllDone(Change(Update()), 1);
  EXPECT_THAT(hashes, ElementsAre(HashOfBlob(old), HashOfBlob(ReadBlob(kId))));
  EXPECT_TRUE(ReadUnlockedWith(environment_)[kOtherId].frozen);
}

TEST_F(ChangePassphraseTest, WhoHasNotEnrolledGetsNoRecord) {
  AddDimm("nmem0", kId, "disabled");
  Change(Setup());
  EXPECT_EQ(CountKeysFiles(), 1U);
  EXPECT_FALSE(directory_.Holds("etc/ndctl/keys/enrolled-dimms"));
}

TEST_F(ChangePassphraseTest, ADryRunWritesNothing) {
  AddDimm("nmem0", kId, "disabled");
  AddDimm("nmem1", kOtherId, "unlocked");
  for (PassphraseChange change :
       {PassphraseChange::kSetup, PassphraseChange::kUpdate, PassphraseChange::kRemove}) {
    ChangeOptions options = {.change = change, .kek = kek_name_, .dry_run = true};
    std::string nmem = change == PassphraseChange::kSetup ? "nmem0" : "nmem1";
    DimmReport report = Change(options, {nmem});
    EXPECT_THAT(report.problems, IsEmpty());
    ASSERT_THAT(report.dimms, SizeIs(1));
    EXPECT_FALSE(report.dimms[0].problem);
    EXPECT_GE(report.dimms[0].planned.size(), 2U);
  }
  EXPECT_EQ(Security("nmem0"), "disabled\n");
  EXPECT_EQ(Security("nmem1"), "unlocked\n");
  EXPECT_EQ(CountKeysFiles(), 0U);
  EXPECT_EQ(refreshes_, 0);
  EXPECT_THAT(steps_, IsEmpty());
}

TEST_F(ChangePassphraseTest, ADryRunSaysWhatWouldBeDone) {
  AddDimm("nmem0", kId, "disabled");
  ChangeOptions options = Setup();
  options.dry_run = true;
  EXPECT_THAT(Change(options).dimms.at(0).planned,
              ElementsAre(HasSubstr("write " + environment_.keys_dir + "/nvdimm-new_"),
                          "put it into the images", HasSubstr("write \"update 0\""),
                          HasSubstr("rename it to " + environment_.keys_dir + "/nvdimm_")));
}

TEST_F(ChangePassphraseTest, AnImportedPassphraseIsWrappedAsItIs) {
  AddDimm("nmem0", kId, "unlocked");
  const Secret passphrase = SampleSecret(32, 0x30);
  ChangeOptions options = Setup();
  options.import = &passphrase;
  ExpectAllDone(Change(options), 1);
  Enc32Blob blob = Must(ParseEnc32(ReadBlob(kId)));
  EXPECT_TRUE(VerifyEnc32(blob, kek_));
  std::vector<std::string> words = WordsOf(Security());
  EXPECT_EQ(words.at(1), words.at(2));  // it is asked, and nothing is set
}

}  // namespace
}  // namespace nvunlock
