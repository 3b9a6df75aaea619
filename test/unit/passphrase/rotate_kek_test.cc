// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/rotate_kek.h"

#include "src/keys/kek_in_keyring.h"
#include "src/keys/recorded_blobs.h"
#include "src/model/blob_record.h"
#include "test/unit/support/operations_test.h"
#include "test/unit/support/record_lines.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class RotateKekTest : public OperationsTest {
 protected:
  RotateKekTest() {
    AddKek(new_name_, new_kek_);
    EnrollKek(kek_name_, kek_);
    EnrollKek(new_name_, new_kek_);
  }

  Result<RotateReport> Rotate(bool dry_run = false) {
    return RotateKek(environment_,
                     {.from = kek_name_,
                      .to = new_name_,
                      .refresh_images = [this] { return Refresh(); },
                      .dry_run = dry_run,
                      .on_step = [this](const std::string& step) { steps_.push_back(step); }});
  }

  Result<std::vector<std::string>> Refresh() {
    refreshes_++;
    if (images_fail_) return Fail(Errc::kImageOutdated, "no image");
    return std::vector<std::string>();
  }

  /// The blob is wrapped by NAME's kek and by no other.
  void ExpectUnder(const KekName& name, const Secret& kek, const std::string& blob) const {
    Enc32Blob parsed = Must(ParseEnc32(blob));
    EXPECT_EQ(parsed.kek, name);
    EXPECT_TRUE(VerifyEnc32(parsed, kek));
  }

  [[nodiscard]] Result<void> Retire() const { return RetireKek(environment_, kek_name_); }

  const KekName new_name_ = {"user", "rack8"};
  const Secret new_kek_ = SampleSecret(32, 0x50);
  bool images_fail_ = false;
  int refreshes_ = 0;
  std::vector<std::string> steps_;
};

TEST_F(RotateKekTest, EveryKindOfBlobIsWrappedUnderTheNewKek) {
  const BlobKind kinds[] = {kCurrentBlob, kStagedBlob, kReplacedBlob, kMasterBlob,
                            kStagedMasterBlob};
  for (BlobKind kind : kinds) AddBlob(kId, kind);
  RotateReport report = Must(Rotate());
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_THAT(report.rewrapped, SizeIs(5));
  for (BlobKind kind : kinds) ExpectUnder(new_name_, new_kek_, ReadBlob(kId, kind));
  EXPECT_EQ(refreshes_, 1);
}

TEST_F(RotateKekTest, ThePassphraseStaysTheSame) {
  std::string before = AddBlob(kId);
  Must(Rotate());
  Key key = Must(keyring().LoadEncrypted("nvunlock-test", ReadBlob(kId)));
  Must(key.Rewrap(kek_name_.ToString()));
  EXPECT_EQ(PayloadOf(key), before);
}

TEST_F(RotateKekTest, StepsAreSaidInTheirOrder) {
  AddBlob(kId);
  Must(Rotate());
  EXPECT_THAT(steps_, ElementsAre("step: " + MakeBlobName({}, kId, "here").name + " rewrapped",
                                  "step: settled", "step: image settled"));
}

TEST_F(RotateKekTest, BlobsOfAThirdKekAreNotTouched) {
  std::string blob = AddBlobOf({"user", "rack9"}, SampleSecret(32, 0x60), kOtherId);
  AddBlob(kId);
  EXPECT_THAT(Must(Rotate()).rewrapped, ElementsAre(MakeBlobName({}, kId, "here").name));
  EXPECT_EQ(ReadBlob(kOtherId), blob);
}

TEST_F(RotateKekTest, ADamagedBlobIsAProblemAndTheOthersGoOn) {
  std::string damaged = AddBlob(kId);
  damaged.back() = damaged.back() == '0' ? '1' : '0';
  WriteKeysFile(MakeBlobName({}, kId, "here").name, damaged);
  WriteKeysFile(MakeBlobName(kMasterBlob, kId, "here").name, "not a blob");
  AddBlob(kOtherId);
  RotateReport report = Must(Rotate());
  ASSERT_THAT(report.problems, SizeIs(2));
  EXPECT_THAT(report.problems[0].message, HasSubstr(MakeBlobName(kMasterBlob, kId, "here").name));
  EXPECT_THAT(report.problems[1].message, HasSubstr(MakeBlobName({}, kId, "here").name));
  EXPECT_EQ(ReadBlob(kId), damaged);
  ExpectUnder(new_name_, new_kek_, ReadBlob(kOtherId));
}

/// Under the new kek's name is another key than the one that was enrolled.
TEST_F(RotateKekTest, AKekInTheKeyringThatIsNotTheEnrolledOneIsRefused) {
  std::string blob = AddBlob(kId);
  EnrollKek(new_name_, SampleSecret(32, 0x51));
  EXPECT_THAT(Rotate(), FailsWith(Errc::kKeysIncomplete, "user:rack8 in the keyring is not"));
  EXPECT_EQ(ReadBlob(kId), blob);
}

TEST_F(RotateKekTest, TheNewKekMustBeEnrolled) {
  std::string blob = AddBlob(kId);
  std::filesystem::remove(store_.PathOf(new_name_.KeyFileName()));
  EXPECT_THAT(Rotate(), FailsWith(Errc::kBadKeyFile, "nvunlock enroll --kek=user:rack8"));
  EXPECT_EQ(ReadBlob(kId), blob);
}

TEST_F(RotateKekTest, BothKeksMustBeInTheKeyring) {
  AddBlob(kId);
  Must(Must(keyring().Find("user", new_name_.description))->Invalidate());
  EXPECT_THAT(Rotate(), FailsWith(Errc::kKekMissing, "user:rack8 is not in the keyring"));
  AddKek(new_name_, new_kek_);
  Must(Must(keyring().Find("user", kek_name_.description))->Invalidate());
  EXPECT_THAT(Rotate(), FailsWith(Errc::kKekMissing, "user:nvdimm-master is not in the"));
}

TEST_F(RotateKekTest, OnlyUserKeksThatDifferCanBeRotated) {
  EXPECT_THAT(RotateKek(environment_, {.from = kek_name_, .to = kek_name_}),
              FailsWith(Errc::kUsage, "are the same"));
  EXPECT_THAT(RotateKek(environment_, {.from = {"trusted", "x"}, .to = new_name_}),
              FailsWith(Errc::kUsage, "only user keks"));
}

TEST_F(RotateKekTest, DimmKeysInTheKeyringFollow) {
  std::string description = std::string("nvdimm:") + kId;
  Key key = Must(keyring().LoadEncrypted(description, AddBlob(kId)));
  Must(Rotate());
  EXPECT_EQ(Must(keyring().Find("encrypted", description))->serial(), key.serial());
  EXPECT_EQ(PayloadOf(key), ReadBlob(kId));
}

TEST_F(RotateKekTest, WhatWasRecordedIsRecordedUnderTheNewKek) {
  RecordLine line = LineFor(kId, AddBlob(kId), kek_);
  RecordLine of_third = LineFor(
      "4660", AddBlobOf({"user", "rack9"}, SampleSecret(32, 0x60), "4660"), SampleSecret(32, 0x60));
  AddBlob(kOtherId);
  WriteKeysFile(kEnrolledDimmsFile, FormatBlobRecord({line, of_third}));
  Must(Rotate());
  std::vector<std::string> notes;
  EXPECT_THAT(ReadBlobRecord(store_, notes).lines,
              ElementsAre(of_third, LineFor(kId, ReadBlob(kId), new_kek_)));
}

/// That a blob can be wrapped says nothing of whose passphrase it holds.
TEST_F(RotateKekTest, ABlobUnderAnotherDimmsNameStaysThatDimms) {
  std::string blob = AddBlob(kId);
  WriteKeysFile(kEnrolledDimmsFile, FormatBlobRecord({LineFor(kOtherId, blob, kek_)}));
  Must(Rotate());
  std::vector<std::string> notes;
  EXPECT_THAT(ReadBlobRecord(store_, notes).lines,
              ElementsAre(LineFor(kOtherId, ReadBlob(kId), new_kek_)));
}

TEST_F(RotateKekTest, ADryRunSaysWhatWouldBeWrappedAndWritesNothing) {
  std::string blob = AddBlob(kId);
  EXPECT_THAT(Must(Rotate(/*dry_run=*/true)).rewrapped, SizeIs(1));
  EXPECT_EQ(ReadBlob(kId), blob);
  EXPECT_EQ(refreshes_, 0);
  EXPECT_THAT(steps_, IsEmpty());
}

TEST_F(RotateKekTest, ASecondRunFindsNothingToWrap) {
  AddBlob(kId);
  Must(Rotate());
  std::string blob = ReadBlob(kId);
  EXPECT_THAT(Must(Rotate()).rewrapped, IsEmpty());
  EXPECT_EQ(ReadBlob(kId), blob);
  EXPECT_EQ(refreshes_, 2);  // the first may have failed there
}

TEST_F(RotateKekTest, ImagesThatAreNotReadyAreAProblem) {
  AddBlob(kId);
  images_fail_ = true;
  RotateReport report = Must(Rotate());
  EXPECT_THAT(report.rewrapped, SizeIs(1));
  ASSERT_THAT(report.problems, SizeIs(1));
  EXPECT_EQ(report.problems[0].code, Errc::kImageOutdated);
}

TEST_F(RotateKekTest, AKekThatWrapsNothingIsRetired) {
  AddBlob(kId);
  Must(Rotate());
  EXPECT_THAT(Retire(), Succeeds());
  EXPECT_FALSE(directory_.Holds("etc/ndctl/keys/nvdimm-master.pem"));
  EXPECT_TRUE(directory_.Holds("etc/ndctl/keys/nvdimm-master.pem.retired"));
  EXPECT_THAT(Must(store_.EnrolledKeks()), ElementsAre(new_name_));
  EXPECT_THAT(Retire(), Succeeds());
}

TEST_F(RotateKekTest, AKekThatIsStillNeededIsNotRetired) {
  AddBlob(kId, kReplacedBlob);
  EXPECT_THAT(Retire(), FailsWith(Errc::kFailed, "still needs user:nvdimm-master"));
  EXPECT_TRUE(directory_.Holds("etc/ndctl/keys/nvdimm-master.pem"));
}

TEST_F(RotateKekTest, NorIsOneThatADamagedBlobMayNeed) {
  WriteKeysFile(MakeBlobName({}, kId, "here").name, "not a blob");
  EXPECT_THAT(Retire(), FailsWith(Errc::kFailed));
  EXPECT_TRUE(directory_.Holds("etc/ndctl/keys/nvdimm-master.pem"));
}

using OperationKekTest = OperationsTest;

TEST_F(OperationKekTest, IsReadFromTheKeyring) {
  EXPECT_TRUE(Must(ReadKek(keyring(), kek_name_)).Equals(kek_));
  EXPECT_THAT(ReadKek(keyring(), {"user", "rack7"}), FailsWith(Errc::kKekMissing));
}

TEST_F(OperationKekTest, MustBeThatOfItsKeyFileWhereThereIsOne) {
  EXPECT_THAT(RequireKek(keyring(), store_, kek_name_), Succeeds());
  EnrollKek(kek_name_, kek_);
  EXPECT_THAT(RequireKek(keyring(), store_, kek_name_), Succeeds());
  EnrollKek(kek_name_, SampleSecret(32, 0x50));
  EXPECT_THAT(RequireKek(keyring(), store_, kek_name_), FailsWith(Errc::kKeysIncomplete));
}

TEST_F(OperationKekTest, MustBeKeptSomewhereElseThanInTheKeyring) {
  std::filesystem::remove(store_.PathOf(kek_name_.ClearFileName()));
  EXPECT_THAT(RequireKek(keyring(), store_, kek_name_),
              FailsWith(Errc::kFailed, "only in the keyring"));
  WriteKeysFile(kek_name_.ClearFileName(), "another");
  EXPECT_THAT(RequireKek(keyring(), store_, kek_name_), FailsWith(Errc::kKeysIncomplete));
}

}  // namespace
}  // namespace nvunlock
