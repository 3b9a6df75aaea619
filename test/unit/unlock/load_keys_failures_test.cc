// SPDX-License-Identifier: Apache-2.0
// What load_keys makes of keks and blobs that do not fit: one never stops the others.
#include <gmock/gmock.h>

#include <filesystem>

#include "src/model/blob_record.h"
#include "src/unlock/load_keys.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/record_lines.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::SizeIs;

class LoadKeysFailureTest : public MachineTest {
 protected:
  void SetUp() override { EnrollKek(kek_); }

  LoadedKeys Load() const {
    TpmConnection tpm(environment_.tpm_device);
    LoadKeysOptions options = {.keyring = keyring(), .host = "here"};
    return Must(LoadKeys(store_, tpm, options));
  }

  [[nodiscard]] bool HoldsDimmKey(const std::string& id) const {
    return HoldsKey("encrypted", "nvdimm:" + id);
  }

  /// Expects that the DIMM has no key and that the reason has CODE and says WORDS.
  void ExpectFailed(const LoadedKeys& loaded, const std::string& id, Errc code,
                    const std::string& words) const {
    EXPECT_FALSE(HoldsDimmKey(id));
    ASSERT_TRUE(loaded.failed.contains(id));
    EXPECT_EQ(loaded.failed.at(id).code, code);
    EXPECT_THAT(loaded.failed.at(id).message, HasSubstr(words));
  }

  const Secret kek_ = SampleSecret(32);
};

TEST_F(LoadKeysFailureTest, ADamagedBlobDoesNotStopAGoodOne) {
  std::string blob = AddBlob(kDimmId, kek_);
  blob.back() = blob.back() == '0' ? '1' : '0';
  WriteKeysFile(std::string("nvdimm_") + kDimmId + "_here.blob", blob);
  AddBlob(kOtherDimmId, kek_);
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kOtherDimmId)));
  ExpectFailed(loaded, kDimmId, Errc::kKeysIncomplete, "its HMAC does not hold");
}

TEST_F(LoadKeysFailureTest, ABlobUnderAnotherKekOfTheSameNameIsRefused) {
  AddBlob(kDimmId, SampleSecret(32, 2));
  LoadedKeys loaded = Load();
  ExpectFailed(loaded, kDimmId, Errc::kKeysIncomplete, "wrapped by another kek");
}

TEST_F(LoadKeysFailureTest, ABlobThatIsNoBlobIsRefused) {
  WriteKeysFile(std::string("nvdimm_") + kDimmId + "_here.blob", "nonsense");
  AddBlob(kOtherDimmId, kek_);
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kOtherDimmId)));
  ExpectFailed(loaded, kDimmId, Errc::kKeysIncomplete, "fields");
}

TEST_F(LoadKeysFailureTest, AnotherKekInTheKeyringIsNotUsedAndStays) {
  AddBlob(kDimmId, kek_);
  (void)Must(keyring().AddUser("nvdimm-master", SampleSecret(32, 2).bytes()));
  LoadedKeys loaded = Load();
  ExpectFailed(loaded, kDimmId, Errc::kKeysIncomplete, "is unavailable");
  ASSERT_THAT(loaded.problems, SizeIs(1));
  EXPECT_THAT(loaded.problems[0].message, HasSubstr("in the keyring is not the kek of"));
  EXPECT_TRUE(HoldsKey("user", "nvdimm-master"));
}

TEST_F(LoadKeysFailureTest, AKekWithoutAKeyFileFailsItsBlobsOnly) {
  AddBlob(kDimmId, SampleSecret(32), "rack7");
  AddBlob(kOtherDimmId, kek_);
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kOtherDimmId)));
  ExpectFailed(loaded, kDimmId, Errc::kBadKeyFile, "its kek user:rack7 is unavailable");
  ASSERT_THAT(loaded.problems, SizeIs(1));
  EXPECT_THAT(loaded.problems[0].message, HasSubstr("rack7.pem"));
}

TEST_F(LoadKeysFailureTest, ATrustedKekFailsItsBlobsOnly) {
  std::string blob = AddBlob(kDimmId, kek_);
  WriteKeysFile(std::string("nvdimm_") + kDimmId + "_here.blob",
                "enc32 trusted" + blob.substr(std::string_view("enc32 user").size()));
  AddBlob(kOtherDimmId, kek_);
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kOtherDimmId)));
  ExpectFailed(loaded, kDimmId, Errc::kFailed, "trusted:nvdimm-master");
}

TEST_F(LoadKeysFailureTest, PcrsThatDifferAreSaidToDiffer) {
  AddBlob(kDimmId, kek_);
  {
    Tpm tpm = ConnectTo(swtpm());
    ExtendPcr(tpm, 8, Sha256Bank());
  }
  LoadedKeys loaded = Load();
  ExpectFailed(loaded, kDimmId, Errc::kPolicyMismatch, "is unavailable");
  ASSERT_THAT(loaded.problems, SizeIs(1));
  EXPECT_EQ(loaded.problems[0].code, Errc::kPolicyMismatch);
  EXPECT_THAT(loaded.problems[0].message, HasSubstr("PCR 8 (sha256) differs"));
}

TEST_F(LoadKeysFailureTest, WithoutATpmThereIsNoKek) {
  AddBlob(kDimmId, kek_);
  environment_.tpm_device = "/nonexistent/tpm";
  LoadedKeys loaded = Load();
  ExpectFailed(loaded, kDimmId, Errc::kNoTpm, "is unavailable");
}

TEST_F(LoadKeysFailureTest, ADimmKeyOfAnotherBlobIsNotTakenForOurs) {
  std::string blob = AddBlob(kDimmId, kek_);
  Load();
  AddBlob(kDimmId, kek_);
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, IsEmpty());
  EXPECT_EQ(loaded.failed.at(kDimmId).code, Errc::kKeysIncomplete);
  EXPECT_EQ(LoadedBlob(std::string("nvdimm:") + kDimmId, kek_), blob);
}

TEST_F(LoadKeysFailureTest, ADimmThatFailsLeavesNoKeyOfItBehind) {
  AddBlob("4660", kek_);
  // The second of its spellings, 1234 in hexadecimal, is taken by something else.
  (void)Must(keyring().AddUser("nvdimm-master", kek_.bytes()));
  std::string foreign = test_keyring_.MakeBlob("nvdimm-master");
  (void)Must(keyring().LoadEncrypted("nvdimm:4660", foreign));
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, IsEmpty());
  EXPECT_FALSE(HoldsDimmKey("1234"));
}

class BlobRecordInUseTest : public LoadKeysFailureTest {
 protected:
  void Record(const std::vector<RecordLine>& lines) const {
    WriteKeysFile(kEnrolledDimmsFile, FormatBlobRecord(lines));
  }

  void Swap(const std::string& blob, const std::string& other) const {
    WriteKeysFile(std::string("nvdimm_") + kDimmId + "_here.blob", other);
    WriteKeysFile(std::string("nvdimm_") + kOtherDimmId + "_here.blob", blob);
  }
};

TEST_F(BlobRecordInUseTest, AMissingBlobIsMissed) {
  std::string blob = AddBlob(kOtherDimmId, kek_);
  Record({LineFor(kDimmId, AddBlob(kDimmId, kek_), kek_), LineFor(kOtherDimmId, blob, kek_)});
  std::filesystem::remove(KeysPathOf(std::string("nvdimm_") + kDimmId + "_here.blob"));
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kOtherDimmId)));
  EXPECT_THAT(loaded.notes, IsEmpty());
  ExpectFailed(loaded, kDimmId, Errc::kKeysIncomplete, "its blob is missing");
}

TEST_F(BlobRecordInUseTest, WhereAllBlobsAreMissingTheKekIsAskedForTheRecord) {
  Record({LineFor(kDimmId, AddBlob(kDimmId, kek_), kek_)});
  std::filesystem::remove(KeysPathOf(std::string("nvdimm_") + kDimmId + "_here.blob"));
  ExpectFailed(Load(), kDimmId, Errc::kKeysIncomplete, "its blob is missing");
}

TEST_F(BlobRecordInUseTest, ARecordedBlobIsLoadedWithoutAWord) {
  std::string blob = AddBlob(kDimmId, kek_);
  RecordLine line = LineFor(kDimmId, blob, kek_);
  Record({line});
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kDimmId)));
  EXPECT_EQ(loaded.lines.at(kDimmId), line);
  EXPECT_THAT(loaded.notes, IsEmpty());
}

TEST_F(BlobRecordInUseTest, SwappedBlobsAreRefused) {
  std::string blob = AddBlob(kDimmId, kek_);
  std::string other = AddBlob(kOtherDimmId, kek_);
  Record({LineFor(kDimmId, blob, kek_), LineFor(kOtherDimmId, other, kek_)});
  Swap(blob, other);
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, IsEmpty());
  ExpectFailed(loaded, kDimmId, Errc::kKeysIncomplete,
               std::string("it is the blob of DIMM ") + kOtherDimmId);
  ExpectFailed(loaded, kOtherDimmId, Errc::kKeysIncomplete,
               std::string("it is the blob of DIMM ") + kDimmId);
}

/// Whoever swaps blobs can swap the words of the record as well, but not its MACs.
TEST_F(BlobRecordInUseTest, ARecordThatWasEditedToFitSwappedBlobsDecidesNothing) {
  std::string blob = AddBlob(kDimmId, kek_);
  std::string other = AddBlob(kOtherDimmId, kek_);
  RecordLine line = LineFor(kDimmId, blob, kek_);
  RecordLine other_line = LineFor(kOtherDimmId, other, kek_);
  std::swap(line.hash, other_line.hash);
  Record({line, other_line, LineFor(kDimmId, blob, kek_), LineFor(kOtherDimmId, other, kek_)});
  Swap(blob, other);
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, IsEmpty());
  EXPECT_THAT(loaded.notes, ElementsAre(HasSubstr("2 lines are damaged")));
}

TEST_F(BlobRecordInUseTest, AnUnknownBlobIsUsedWhereThereIsNoOtherAndSaidToBe) {
  std::string before = AddBlob(kDimmId, kek_);
  Record({LineFor(kDimmId, before, kek_)});
  AddBlob(kDimmId, kek_);
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kDimmId)));
  EXPECT_THAT(loaded.notes, ElementsAre(HasSubstr("is unknown")));
}

TEST_F(BlobRecordInUseTest, AnUnknownOneIsTheSpareOfARecordedOne) {
  std::string recorded = AddBlob(kDimmId, kek_, "nvdimm-master", "elsewhere");
  std::string unknown = AddBlob(kDimmId, kek_);
  Record({LineFor(kDimmId, recorded, kek_)});
  LoadedKeys loaded = Load();
  EXPECT_EQ(loaded.lines.at(kDimmId).hash, HashOfBlob(recorded));
  EXPECT_EQ(loaded.spares.at(kDimmId).blob.text, unknown);
  EXPECT_FALSE(loaded.spares.at(kDimmId).recorded);
  EXPECT_EQ(loaded.spares.at(kDimmId).line, LineFor(kDimmId, unknown, kek_));
}

TEST_F(BlobRecordInUseTest, TheRecordDecidesAmongSeveralOfOtherHosts) {
  AddBlob(kDimmId, kek_, "nvdimm-master", "a");
  std::string recorded = AddBlob(kDimmId, kek_, "nvdimm-master", "b");
  Record({LineFor(kDimmId, recorded, kek_)});
  EXPECT_EQ(Load().lines.at(kDimmId).hash, HashOfBlob(recorded));
}

TEST_F(BlobRecordInUseTest, ALineUnderAnotherKekOfTheSameNameDecidesNothing) {
  std::string blob = AddBlob(kDimmId, kek_);
  Record({LineFor(kOtherDimmId, blob, SampleSecret(32, 2))});
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kDimmId)));
  EXPECT_THAT(loaded.failed, IsEmpty());
  EXPECT_THAT(loaded.notes, ElementsAre(HasSubstr("1 line is damaged"), HasSubstr("is unknown")));
}

TEST_F(BlobRecordInUseTest, ADamagedFileIsNotedOnly) {
  AddBlob(kDimmId, kek_);
  WriteKeysFile(kEnrolledDimmsFile, "not what it should be\n");
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kDimmId)));
  EXPECT_THAT(loaded.notes, ElementsAre(HasSubstr("1 line is damaged"), HasSubstr("is unknown")));
}

}  // namespace
}  // namespace nvunlock
