// SPDX-License-Identifier: Apache-2.0
// The two records of blobs: enrolled-dimms, and what unlocked a DIMM in this boot.
#include <sys/stat.h>

#include "src/keys/recorded_blobs.h"
#include "src/records/unlock_record.h"
#include "test/unit/support/operations_test.h"
#include "test/unit/support/record_lines.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using UnlockedWithTest = OperationsTest;

TEST_F(UnlockedWithTest, IsReadBackAsItWasWritten) {
  UnlockedWith blobs = {{kId, {HashOfBlob("a"), false}}, {kOtherId, {HashOfBlob("b"), true}}};
  ASSERT_THAT(WriteUnlockedWith(environment_, blobs), Succeeds());
  UnlockedWith read = ReadUnlockedWith(environment_);
  EXPECT_EQ(read.size(), 2U);
  for (const auto& [id, blob] : blobs) {
    EXPECT_EQ(read[id].hash, blob.hash);
    EXPECT_EQ(read[id].frozen, blob.frozen);
  }
  struct stat status = {};
  ASSERT_EQ(stat(directory_.PathOf("run/nvunlock/unlocked-with").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST_F(UnlockedWithTest, WhatIsNotThereOrCannotBeReadIsEmpty) {
  EXPECT_THAT(ReadUnlockedWith(environment_), IsEmpty());
  directory_.Write("run/nvunlock/unlocked-with", "");
  EXPECT_THAT(ReadUnlockedWith(environment_), IsEmpty());
  directory_.Write("run/nvunlock/unlocked-with", "garbage\n# a comment\none two three\n\n");
  EXPECT_THAT(ReadUnlockedWith(environment_), IsEmpty());
}

TEST_F(UnlockedWithTest, ItHoldsTheLinesForTheRecord) {
  RecordLine line = LineFor(kId, AddBlob(kId), kek_);
  Must(WriteUnlockedWith(environment_, {{kId, {.hash = line.hash, .frozen = true, .line = line}},
                                        {kOtherId, {.hash = "other"}}}));
  UnlockedWith read = ReadUnlockedWith(environment_);
  EXPECT_EQ(read.at(kId).line, line);
  EXPECT_EQ(read.at(kOtherId).line, std::nullopt);
}

class BlobRecordFileTest : public OperationsTest {
 protected:
  void Add(const std::vector<RecordLine>& lines) const {
    Must(ChangeBlobRecord(
        store_, [](const RecordLine&) { return false; }, lines));
  }

  std::vector<RecordLine> Read() { return ReadBlobRecord(store_, notes_).lines; }

  std::vector<std::string> notes_;
  const RecordLine line_ = LineFor(kId, AddBlob(kId), kek_);
  const RecordLine other_ = LineFor(kOtherId, AddBlob(kOtherId), kek_);
};

TEST_F(BlobRecordFileTest, LinesAreAddedOnceAndTheOthersStay) {
  Add({line_});
  Add({line_, other_});
  EXPECT_THAT(Read(), ElementsAre(line_, other_));
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(BlobRecordFileTest, LinesAreTakenOut) {
  Add({line_, other_});
  Must(ChangeBlobRecord(store_, [&](const RecordLine& line) { return line == line_; }));
  EXPECT_THAT(Read(), ElementsAre(other_));
}

TEST_F(BlobRecordFileTest, WhatChangesNothingIsNotWritten) {
  auto none = [](const RecordLine&) { return false; };
  EXPECT_THAT(ChangeBlobRecord(store_, none), Yields(false));
  EXPECT_FALSE(std::filesystem::exists(store_.PathOf(kEnrolledDimmsFile)));
  EXPECT_THAT(ChangeBlobRecord(store_, none, {line_}), Yields(true));
  EXPECT_THAT(ChangeBlobRecord(store_, none, {line_}), Yields(false));
}

TEST_F(BlobRecordFileTest, KeksOfTheKeyringVouchForTheirLines) {
  RecordLine foreign =
      LineFor(kId, AddBlobOf({"user", "rack7"}, SampleSecret(32), kId), SampleSecret(32));
  Add({line_, foreign});
  EXPECT_THAT(FindRecordedBlobs(store_, keyring(), notes_).lines(), ElementsAre(line_));
  EXPECT_THAT(notes_, IsEmpty());
  AddKek({"user", "rack7"}, SampleSecret(32));
  EXPECT_THAT(FindRecordedBlobs(store_, keyring(), notes_).lines(), ElementsAre(line_, foreign));
}

TEST_F(BlobRecordFileTest, ALineThatWasChangedSaysNothing) {
  RecordLine changed = line_;
  changed.passphrase = other_.passphrase;
  Add({changed, other_});
  EXPECT_THAT(FindRecordedBlobs(store_, keyring(), notes_).lines(), ElementsAre(other_));
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("1 line is damaged")));
}

TEST_F(BlobRecordFileTest, WithoutOneThereIsNothingToNote) {
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(BlobRecordFileTest, OneThatCannotBeReadIsNotedAndReplaced) {
  WriteKeysFile(kEnrolledDimmsFile, std::string((1 << 20) + 1, 'x'));
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("enrolled-dimms is not used")));
  Add({line_});
  EXPECT_THAT(Read(), ElementsAre(line_));
}

}  // namespace
}  // namespace nvunlock
