// SPDX-License-Identifier: Apache-2.0
// What a change that was cut short has left is finished before the next: PassphraseChecks and
// DimmPassphrase.
#include "src/passphrase/passphrase_checks.h"
#include "src/records/unlock_record.h"
#include "test/unit/support/changed_dimms.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class LeftOverBlobsTest : public ChangedDimmsTest {
 protected:
  LeftOverBlobsTest() {
    AddDimm("nmem0", kId, "unlocked");
    current_ = AddBlob(kId);
    staged_ = AddBlob(kId, kStagedBlob);
  }

  /// What Check does with the DIMM's blobs.
  Result<Readiness> Check(const ChangeOptions& options) {
    NdBus bus = tree_.bus();
    PassphrasePlace place = {bus, store_, keyring(), "here"};
    BlobChoice choice = Must(ChooseBlobs(store_, "here", {}, options.role));
    auto chosen = choice.chosen.find(kId);
    std::optional<ChosenBlob> blobs;
    if (chosen != choice.chosen.end()) blobs = chosen->second;
    DimmPassphrase passphrase(place, Must(InspectDimm(bus, "nmem0")), options.role, blobs);
    PassphraseChecks checks(bus, options, ReadUnlockedWith(environment_));
    Result<Readiness> readiness = checks.Check(passphrase);
    moved_ = checks.has_moved_blobs();
    return readiness;
  }

  void ExpectOnlyBlob(const std::string& text) const {
    EXPECT_EQ(ReadBlob(kId), text);
    EXPECT_EQ(CountKeysFiles(), 1U);
    EXPECT_EQ(PayloadOf(*Must(keyring().Find("encrypted", std::string("nvdimm:") + kId))), text);
  }

  std::string current_;
  bool moved_ = false;
};

TEST_F(LeftOverBlobsTest, TheDimmIsAskedForTheCurrentOneFirst) {
  EXPECT_THAT(Check(Update()), Yields(Readiness::kToDo));
  EXPECT_TRUE(moved_);
  ExpectOnlyBlob(current_);
  std::vector<std::string> words = WordsOf(Security());
  EXPECT_EQ(words.at(0), "update");
  EXPECT_EQ(words.at(1), words.at(2));
}

TEST_F(LeftOverBlobsTest, ForTheOneThatUnlockedItWhereThatIsKnown) {
  Must(WriteUnlockedWith(environment_, {{kId, {HashOfBlob(staged_), false}}}));
  EXPECT_THAT(Check(Update()), Yields(Readiness::kToDo));
  ExpectOnlyBlob(staged_);
}

TEST_F(LeftOverBlobsTest, ARecordOfAnotherDimmSaysNothing) {
  Must(WriteUnlockedWith(environment_, {{kOtherId, {HashOfBlob(staged_), false}}}));
  EXPECT_THAT(Check(Update()), Yields(Readiness::kToDo));
  ExpectOnlyBlob(current_);
}

TEST_F(LeftOverBlobsTest, NdctlsReplacedBlobIsAskedForJustSo) {
  std::filesystem::remove(store_.PathOf(MakeBlobName(kStagedBlob, kId, "here").name));
  AddBlob(kId, kReplacedBlob);
  EXPECT_THAT(Check(Update()), Yields(Readiness::kToDo));
  ExpectOnlyBlob(current_);
}

TEST_F(LeftOverBlobsTest, ADryRunAsksNothingAndMovesNothing) {
  ChangeOptions options = Update();
  options.dry_run = true;
  EXPECT_THAT(Check(options), Yields(Readiness::kToDo));
  EXPECT_FALSE(moved_);
  EXPECT_EQ(Security(), "unlocked\n");
  EXPECT_EQ(CountKeysFiles(), 2U);
}

TEST_F(LeftOverBlobsTest, WhenTheDimmRefusesAllNoneIsRemoved) {
  Dimm dimm = Must(InspectDimm(tree_.bus(), "nmem0"));
  ChosenBlob blobs = Must(ChooseBlobs(store_, "here", {})).chosen.at(kId);
  NdBus bus = tree_.bus();
  DimmPassphrase passphrase({bus, store_, keyring(), "here"}, dimm, PassphraseRole::kUser, blobs);
  LetRefuse("nmem0");
  EXPECT_THAT(passphrase.TryEachBlob(false),
              FailsWith(Errc::kPassphraseRefused, "none is removed"));
  EXPECT_EQ(ReadBlob(kId), current_);
  EXPECT_EQ(ReadBlob(kId, kStagedBlob), staged_);
}

TEST_F(LeftOverBlobsTest, WhenTheDimmGivesNoAnswerNoneIsRemoved) {
  Dimm dimm = Must(InspectDimm(tree_.bus(), "nmem0"));
  ChosenBlob blobs = Must(ChooseBlobs(store_, "here", {})).chosen.at(kId);
  NdBus bus = tree_.bus();
  DimmPassphrase passphrase({bus, store_, keyring(), "here"}, dimm, PassphraseRole::kUser, blobs);
  LetFail("nmem0");
  EXPECT_THAT(passphrase.TryEachBlob(false), FailsWith(Errc::kFailed));
  EXPECT_EQ(CountKeysFiles(), 2U);
}

TEST_F(LeftOverBlobsTest, TheChangeGoesOnWhicheverWasInForce) {
  for (const std::string& in_force : {current_, staged_}) {
    keyctl_clear(KEY_SPEC_PROCESS_KEYRING);
    WriteKeysFile(MakeBlobName(kCurrentBlob, kId, "here").name, current_);
    WriteKeysFile(MakeBlobName(kStagedBlob, kId, "here").name, staged_);
    tree_.SetAttribute("nmem0", "security", "unlocked");
    Must(WriteUnlockedWith(environment_, {{kId, {HashOfBlob(in_force), false}}}));
    ExpectAllDone(Change(Update()), 1);
    EXPECT_NE(ReadBlob(kId), current_);
    EXPECT_NE(ReadBlob(kId), staged_);
    EXPECT_EQ(CountKeysFiles(), 1U);
  }
}

/// The set-up was cut short between the DIMM and the rename.
TEST_F(LeftOverBlobsTest, ASetupThatOnlyLacksItsRenameIsFinished) {
  std::filesystem::remove(store_.PathOf(MakeBlobName(kCurrentBlob, kId, "here").name));
  EXPECT_THAT(Check(Setup()), Yields(Readiness::kSettled));
  ExpectOnlyBlob(staged_);
}

TEST_F(LeftOverBlobsTest, ASetupThatIsFinishedThatWayChangesNothingElse) {
  std::filesystem::remove(store_.PathOf(MakeBlobName(kCurrentBlob, kId, "here").name));
  ExpectAllDone(Change(Setup()), 1);
  ExpectOnlyBlob(staged_);
  EXPECT_THAT(steps_, ElementsAre("step: settled", "step: image settled"));
}

/// The set-up was cut short before the DIMM.
TEST_F(LeftOverBlobsTest, WhatWasStagedForADimmWithoutAPassphraseIsReplaced) {
  std::filesystem::remove(store_.PathOf(MakeBlobName(kCurrentBlob, kId, "here").name));
  tree_.SetAttribute("nmem0", "security", "disabled");
  ExpectAllDone(Change(Setup()), 1);
  EXPECT_NE(ReadBlob(kId), staged_);
  EXPECT_EQ(CountKeysFiles(), 1U);
}

/// The removal was cut short between the DIMM and its blobs.
TEST_F(LeftOverBlobsTest, ARemovalThatOnlyLacksItsFilesIsFinished) {
  tree_.SetAttribute("nmem0", "security", "disabled");
  EXPECT_THAT(Check(Remove()), Yields(Readiness::kChanged));
  ExpectAllDone(Change(Remove()), 1);
  EXPECT_EQ(Security(), "disabled\n");
  EXPECT_EQ(CountKeysFiles(), 0U);
}

TEST_F(LeftOverBlobsTest, AnotherHostsStagedBlobBecomesOurs) {
  std::filesystem::remove(store_.PathOf(MakeBlobName(kStagedBlob, kId, "here").name));
  std::string theirs = AddBlob(kId, kStagedBlob, "elsewhere");
  Must(WriteUnlockedWith(environment_, {{kId, {HashOfBlob(theirs), false}}}));
  EXPECT_THAT(Check(Update()), Yields(Readiness::kToDo));
  ExpectOnlyBlob(theirs);
}

TEST_F(LeftOverBlobsTest, AnotherDimmsAndMastersBlobsStay) {
  AddBlob(kOtherId, kStagedBlob);
  AddBlob(kId, kMasterBlob);
  EXPECT_THAT(Check(Update()), Succeeds());
  EXPECT_TRUE(HoldsBlob(kOtherId, kStagedBlob));
  EXPECT_TRUE(HoldsBlob(kId, kMasterBlob));
  EXPECT_EQ(CountKeysFiles(), 3U);
}

/// What is staged is not what it shall get.
TEST_F(LeftOverBlobsTest, AMasterPassphraseIsMadeAnewThoughACopyOfTheOldOneIsStaged) {
  tree_.SetAttribute("nmem0", "security", "disabled");
  std::string old = AddBlob(kId, kMasterBlob);
  WriteKeysFile(MakeBlobName(kStagedMasterBlob, kId, "here").name, old);
  ChangeOptions options = Update();
  options.role = PassphraseRole::kMaster;
  ExpectAllDone(Change(options), 1);
  EXPECT_NE(ReadBlob(kId, kMasterBlob), old);
  EXPECT_FALSE(HoldsBlob(kId, kStagedMasterBlob));
}

TEST_F(LeftOverBlobsTest, AMasterBlobIsAskedForAsMaster) {
  tree_.SetAttribute("nmem0", "security", "disabled");
  AddBlob(kId, kMasterBlob);
  AddBlob(kId, kStagedMasterBlob);
  ChangeOptions options = Update();
  options.role = PassphraseRole::kMaster;
  EXPECT_THAT(Check(options), Yields(Readiness::kToDo));
  EXPECT_THAT(Security(), StartsWith("master_update "));
  EXPECT_FALSE(HoldsBlob(kId, kStagedMasterBlob));
  EXPECT_TRUE(HoldsBlob(kId, kMasterBlob));
  EXPECT_TRUE(HoldsBlob(kId, kStagedBlob));
}

TEST_F(LeftOverBlobsTest, ABlobStandsInTheWayOfAnImport) {
  const Secret passphrase = SampleSecret(32);
  ChangeOptions options = Setup();
  options.import = &passphrase;
  EXPECT_THAT(Check(options), FailsWith(Errc::kFailed, "move that away first"));
  EXPECT_EQ(CountKeysFiles(), 2U);
}

TEST_F(LeftOverBlobsTest, OnlyAPassphraseCanBeImported) {
  const Secret passphrase = SampleSecret(32);
  ChangeOptions options = Setup();
  options.import = &passphrase;
  tree_.SetAttribute("nmem0", "security", "disabled");
  EXPECT_THAT(Check(options), FailsWith(Errc::kFailed, "no passphrase to import"));
}

}  // namespace
}  // namespace nvunlock
