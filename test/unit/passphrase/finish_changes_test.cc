// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/finish_changes.h"

#include "src/keys/recorded_blobs.h"
#include "src/model/blob_record.h"
#include "src/model/image_record.h"
#include "src/os/directory_lock.h"
#include "src/records/unlock_record.h"
#include "test/unit/support/operations_test.h"
#include "test/unit/support/record_lines.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// After an unlock that found two blobs.
class FinishChangesTest : public OperationsTest {
 protected:
  FinishChangesTest() : current_(AddBlob(kId)), staged_(AddBlob(kId, kStagedBlob)) {}

  void AddDimm(bool frozen) const {
    tree_.AddDimm(
        {.nmem = "nmem0", .id = kId, .security = "unlocked", .frozen = frozen ? "1" : "0"});
  }

  void RecordUnlockedWith(const std::string& blob) const {
    Must(WriteUnlockedWith(environment_, {{kId, {HashOfBlob(blob), true}}}));
  }

  /// This boot's image held BLOB as the current one.
  void RecordImageWith(const std::string& blob) const {
    ImageRecord record = {.hashes = {{MakeBlobName({}, kId, "here").name, HashOfBlob(blob)}}};
    directory_.Write("run/nvunlock/image.json", FormatImageRecord(record));
  }

  Result<std::vector<std::string>> Settle() {
    return FinishChanges(environment_, [this]() -> Result<std::vector<std::string>> {
      refreshes_++;
      if (images_fail_) return Fail(Errc::kImageOutdated, "no image");
      return std::vector<std::string>{"/boot/initrd.img"};
    });
  }

  std::string current_;
  std::string staged_;
  int refreshes_ = 0;
  bool images_fail_ = false;
};

TEST_F(FinishChangesTest, TheBlobThatUnlockedAFrozenDimmBecomesCurrent) {
  AddDimm(true);
  RecordUnlockedWith(staged_);
  EXPECT_THAT(Must(Settle()),
              ElementsAre(HasSubstr("nmem0: a change of its passphrase was interrupted"),
                          "/boot/initrd.img: up to date"));
  EXPECT_EQ(ReadBlob(kId), staged_);
  EXPECT_FALSE(HoldsBlob(kId, kStagedBlob));
}

TEST_F(FinishChangesTest, SoDoesTheCurrentOneAndTheStagedOneGoes) {
  AddDimm(true);
  RecordUnlockedWith(current_);
  Must(Settle());
  EXPECT_EQ(ReadBlob(kId), current_);
  EXPECT_FALSE(HoldsBlob(kId, kStagedBlob));
  EXPECT_EQ(refreshes_, 1);
}

TEST_F(FinishChangesTest, NeitherAKekNorTheDimmIsNeeded) {
  AddDimm(true);
  RecordUnlockedWith(staged_);
  keyctl_clear(keyring().serial());
  Must(Settle());
  EXPECT_EQ(ReadBlob(kId), staged_);
  EXPECT_EQ(Security(), "unlocked\n");
}

/// Somebody may have changed it since.
TEST_F(FinishChangesTest, ADimmThatIsNotFrozenIsLeftAlone) {
  AddDimm(false);
  Must(WriteUnlockedWith(environment_, {{kId, {HashOfBlob(staged_), false}}}));
  EXPECT_THAT(Must(Settle()), IsEmpty());
  EXPECT_EQ(ReadBlob(kId), current_);
  EXPECT_EQ(ReadBlob(kId, kStagedBlob), staged_);
  EXPECT_EQ(refreshes_, 0);
}

/// In a boot with nvunlock.freeze=no somebody has changed it, has been cut short, and has frozen
/// it.
TEST_F(FinishChangesTest, NeitherIsOneThatWasFrozenOnlyAfterTheUnlock) {
  AddDimm(true);
  Must(WriteUnlockedWith(environment_, {{kId, {HashOfBlob(current_), false}}}));
  EXPECT_THAT(Must(Settle()), IsEmpty());
  EXPECT_EQ(ReadBlob(kId), current_);
  EXPECT_EQ(ReadBlob(kId, kStagedBlob), staged_);
}

TEST_F(FinishChangesTest, WithoutARecordNothingIsKnown) {
  AddDimm(true);
  EXPECT_THAT(Must(Settle()), IsEmpty());
  RecordUnlockedWith("some other blob");
  EXPECT_THAT(Must(Settle()), IsEmpty());
  Must(WriteUnlockedWith(environment_, {{kOtherId, {HashOfBlob(staged_), true}}}));
  EXPECT_THAT(Must(Settle()), IsEmpty());
  EXPECT_EQ(CountKeysFiles(), 2U);
  EXPECT_EQ(refreshes_, 0);
}

TEST_F(FinishChangesTest, WhereNothingIsLeftOverNothingIsDone) {
  std::filesystem::remove(store_.PathOf(MakeBlobName(kStagedBlob, kId, "here").name));
  AddDimm(true);
  RecordUnlockedWith(current_);
  RecordImageWith(current_);
  EXPECT_THAT(Must(Settle()), IsEmpty());
  EXPECT_EQ(refreshes_, 0);
}

/// The power failed after the rename, before the images were settled.
TEST_F(FinishChangesTest, ImagesThatHoldAnOlderBlobAreRefreshed) {
  std::filesystem::remove(store_.PathOf(MakeBlobName(kStagedBlob, kId, "here").name));
  AddDimm(true);
  RecordUnlockedWith(current_);
  RecordImageWith(staged_);
  EXPECT_THAT(Must(Settle()), ElementsAre("/boot/initrd.img: up to date"));
  EXPECT_EQ(refreshes_, 1);
}

class FinishChangesRecordTest : public FinishChangesTest {
 protected:
  FinishChangesRecordTest() { AddDimm(true); }

  void Unlock(const RecordLine& line, bool frozen = true) const {
    Must(WriteUnlockedWith(environment_,
                           {{kId, {.hash = line.hash, .frozen = frozen, .line = line}}}));
  }

  std::vector<RecordLine> ReadLines() const {
    std::vector<std::string> notes;
    return ReadBlobRecord(store_, notes).lines;
  }
};

TEST_F(FinishChangesRecordTest, WhatUnlockedADimmIsRecordedForItBesideTheOthers) {
  RecordLine other = LineFor(kOtherId, AddBlob(kOtherId), kek_);
  WriteKeysFile(kEnrolledDimmsFile, FormatBlobRecord({other}));
  RecordLine line = LineFor(kId, staged_, kek_);
  Unlock(line);
  keyctl_clear(keyring().serial());
  Must(Settle());
  EXPECT_THAT(ReadLines(), ElementsAre(other, line));
}

TEST_F(FinishChangesRecordTest, ADimmThatWasNotFrozenHasTakenItAllTheSame) {
  RecordLine line = LineFor(kId, current_, kek_);
  Unlock(line, /*frozen=*/false);
  Must(Settle());
  EXPECT_THAT(ReadLines(), ElementsAre(line));
}

/// Of two staged blobs it is the one that unlock has seen to be taken.
TEST_F(FinishChangesRecordTest, AmongSeveralStagedOnesTheUnlockDecides) {
  std::string theirs = AddBlob(kId, kStagedBlob, "elsewhere");
  Unlock(LineFor(kId, theirs, kek_));
  Must(Settle());
  EXPECT_EQ(ReadBlob(kId), theirs);
  EXPECT_FALSE(HoldsBlob(kId, kStagedBlob));
}

TEST_F(FinishChangesRecordTest, AnImageWithAnotherRecordIsRefreshedOnce) {
  RecordLine line = LineFor(kId, current_, kek_);
  std::filesystem::remove(store_.PathOf(MakeBlobName(kStagedBlob, kId, "here").name));
  RecordImageWith(current_);
  Unlock(line);
  Must(Settle());
  EXPECT_EQ(refreshes_, 1);
  ImageRecord record = {.hashes = {{MakeBlobName({}, kId, "here").name, HashOfBlob(current_)},
                                   {kEnrolledDimmsFile, HashOfBlob(FormatBlobRecord({line}))}}};
  directory_.Write("run/nvunlock/image.json", FormatImageRecord(record));
  Must(Settle());
  EXPECT_EQ(refreshes_, 1);
}

/// A command that changes a passphrase meanwhile would lose what it has staged in the images.
TEST_F(FinishChangesTest, NobodyChangesThemMeanwhile) {
  AddDimm(true);
  RecordUnlockedWith(staged_);
  bool is_held = false;
  auto refresh = [&]() -> Result<std::vector<std::string>> {
    is_held = !LockDirectory(environment_.keys_dir, 0);
    return std::vector<std::string>();
  };
  Must(FinishChanges(environment_, refresh));
  EXPECT_TRUE(is_held);
}

TEST_F(FinishChangesTest, AnImageThatCannotBeRefreshedIsAFailureAfterTheBlobsAreRight) {
  AddDimm(true);
  RecordUnlockedWith(staged_);
  images_fail_ = true;
  EXPECT_THAT(Settle(), FailsWith(Errc::kImageOutdated));
  EXPECT_EQ(ReadBlob(kId), staged_);
}

}  // namespace
}  // namespace nvunlock
