// What load_keys makes of keks and blobs that do not fit: one never stops the others.
#include <gmock/gmock.h>

#include "src/model/enrolled_dimms.h"
#include "src/procedures/load_keys.h"
#include "test/unit/machine.h"
#include "test/unit/tpm_samples.h"

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
  ExpectFailed(loaded, kDimmId, Errc::kKeysIncomplete, "made under another kek");
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
  ExpectFailed(loaded, kDimmId, Errc::kKeysIncomplete, "could not be had");
  ASSERT_THAT(loaded.problems, SizeIs(1));
  EXPECT_THAT(loaded.problems[0].message, HasSubstr("in the keyring is not the kek of"));
  EXPECT_TRUE(HoldsKey("user", "nvdimm-master"));
}

TEST_F(LoadKeysFailureTest, AKekWithoutAKeyFileFailsItsBlobsOnly) {
  AddBlob(kDimmId, SampleSecret(32), "rack7");
  AddBlob(kOtherDimmId, kek_);
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kOtherDimmId)));
  ExpectFailed(loaded, kDimmId, Errc::kBadKeyFile, "its kek user:rack7 could not be had");
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
  ExpectFailed(loaded, kDimmId, Errc::kPolicyMismatch, "could not be had");
  ASSERT_THAT(loaded.problems, SizeIs(1));
  EXPECT_EQ(loaded.problems[0].code, Errc::kPolicyMismatch);
  EXPECT_THAT(loaded.problems[0].message, HasSubstr("PCR 8 (sha256) differs"));
}

TEST_F(LoadKeysFailureTest, WithoutATpmThereIsNoKek) {
  AddBlob(kDimmId, kek_);
  environment_.tpm_device = "/nonexistent/tpm";
  LoadedKeys loaded = Load();
  ExpectFailed(loaded, kDimmId, Errc::kNoTpm, "could not be had");
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

class EnrolledDimmsInUseTest : public LoadKeysFailureTest {
 protected:
  void Enroll(const std::map<std::string, std::string>& blob_hashes, const Secret& kek) const {
    WriteKeysFile(kEnrolledDimmsFile,
                  Must(FormatEnrolledDimms({blob_hashes}, {"user", "nvdimm-master"}, kek)));
  }
};

TEST_F(EnrolledDimmsInUseTest, AMissingBlobIsMissed) {
  std::string blob = AddBlob(kOtherDimmId, kek_);
  Enroll({{kDimmId, HashOfBlob("gone")}, {kOtherDimmId, HashOfBlob(blob)}}, kek_);
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kOtherDimmId)));
  EXPECT_THAT(loaded.notes, IsEmpty());
  ExpectFailed(loaded, kDimmId, Errc::kKeysIncomplete, "its blob is missing");
}

TEST_F(EnrolledDimmsInUseTest, SwappedBlobsAreRefused) {
  std::string blob = AddBlob(kDimmId, kek_);
  std::string other_blob = AddBlob(kOtherDimmId, kek_);
  Enroll({{kDimmId, HashOfBlob(other_blob)}, {kOtherDimmId, HashOfBlob(blob)}}, kek_);
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, IsEmpty());
  ExpectFailed(loaded, kDimmId, Errc::kKeysIncomplete, "it is the blob of DIMM");
}

TEST_F(EnrolledDimmsInUseTest, AFileThatSomebodyElseChangedIsNotedOnly) {
  std::string blob = AddBlob(kDimmId, kek_);
  Enroll({{kDimmId, HashOfBlob(blob)}}, SampleSecret(32, 2));
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kDimmId)));
  EXPECT_THAT(loaded.notes, ElementsAre(HasSubstr("its MAC does not hold")));
}

TEST_F(EnrolledDimmsInUseTest, ADamagedFileIsNotedOnly) {
  AddBlob(kDimmId, kek_);
  WriteKeysFile(kEnrolledDimmsFile, "not what it should be\n");
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kDimmId)));
  EXPECT_THAT(loaded.notes, ElementsAre(HasSubstr("is not used")));
}

}  // namespace
}  // namespace nvunlock
