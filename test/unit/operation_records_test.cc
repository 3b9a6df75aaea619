// The two records of blobs: enrolled-dimms, and what unlocked a DIMM in this boot.
#include <sys/stat.h>

#include "src/procedures/enrolled_record.h"
#include "src/procedures/unlocked_with.h"
#include "test/unit/operations_test.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

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

class EnrolledRecordTest : public OperationsTest {
 protected:
  void Write(const std::set<std::string>& without = {}) const {
    ASSERT_THAT(WriteEnrolledRecord(store_, kek_name_, kek_, without), Succeeds());
  }

  std::optional<EnrolledRecord> Read() { return ReadEnrolledRecord(store_, notes_); }

  std::vector<std::string> notes_;
};

TEST_F(EnrolledRecordTest, HoldsTheCurrentUserBlobs) {
  std::string blob = AddBlob(kId);
  for (BlobKind kind : {kStagedBlob, kReplacedBlob, kMasterBlob}) AddBlob(kOtherId, kind);
  Write();
  std::optional<EnrolledRecord> record = Read();
  ASSERT_TRUE(record);
  EXPECT_THAT(record->dimms.blob_hashes, ElementsAre(Pair(kId, HashOfBlob(blob))));
  EXPECT_THAT(VerifyEnrolledDimms(record->text, kek_name_, kek_), Yields(true));
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(EnrolledRecordTest, LeavesOutWhatItIsTold) {
  AddBlob(kId);
  std::string other = AddBlob(kOtherId);
  Write({kId});
  EXPECT_THAT(Read()->dimms.blob_hashes, ElementsAre(Pair(kOtherId, HashOfBlob(other))));
}

TEST_F(EnrolledRecordTest, ABlobThatCannotBeReadIsLeftOut) {
  std::string blob = AddBlob(kId);
  WriteKeysFile(NameBlobFile(kCurrentBlob, kOtherId, "here").name, "");
  Write();
  EXPECT_THAT(Read()->dimms.blob_hashes, ElementsAre(Pair(kId, HashOfBlob(blob))));
}

TEST_F(EnrolledRecordTest, IsUpdatedWithTheKekOfTheKeyring) {
  AddBlob(kId);
  Write();
  std::string blob = AddBlob(kId);
  EXPECT_THAT(UpdateEnrolledRecord(store_, keyring(), kek_name_), Succeeds());
  EXPECT_THAT(Read()->dimms.blob_hashes, ElementsAre(Pair(kId, HashOfBlob(blob))));
  EXPECT_THAT(VerifyEnrolledDimms(Read()->text, kek_name_, kek_), Yields(true));
}

TEST_F(EnrolledRecordTest, WithoutTheKekItStaysAsItWas) {
  AddBlob(kId);
  Write();
  std::string before = Read()->text;
  EXPECT_THAT(UpdateEnrolledRecord(store_, keyring(), {"user", "rack7"}, {kId}),
              FailsWith(Errc::kKekMissing));
  EXPECT_EQ(Read()->text, before);
}

TEST_F(EnrolledRecordTest, OneThatIsNotThereIsNotMadeByAnUpdate) {
  AddBlob(kId);
  EXPECT_THAT(UpdateEnrolledRecord(store_, keyring(), kek_name_), Succeeds());
  EXPECT_FALSE(Read());
}

TEST_F(EnrolledRecordTest, WithoutOneThereIsNothingToNote) {
  EXPECT_FALSE(Read());
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(EnrolledRecordTest, OneThatCannotBeReadIsNoted) {
  WriteKeysFile(kEnrolledDimmsFile, "damaged");
  EXPECT_FALSE(Read());
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("enrolled-dimms is not used")));
}

}  // namespace
}  // namespace nvunlock
