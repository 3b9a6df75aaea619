// SPDX-License-Identifier: Apache-2.0
// What LoadKeys does with the second blob that a change of a passphrase has left, and with keks
// that must be in the keyring already.
#include "src/unlock/load_keys.h"
#include "test/unit/support/operations_test.h"
#include "test/unit/support/record_lines.h"

namespace nvunlock {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Pair;
using testing::SizeIs;

/// BLOB with another last digit: it can be read, but its HMAC does not hold.
std::string Damaged(std::string blob) {
  blob.back() = blob.back() == '0' ? '1' : '0';
  return blob;
}

class LoadSparesTest : public OperationsTest {
 protected:
  [[nodiscard]] LoadedKeys Load(LoadKeysOptions options = {}) const {
    options.keyring = keyring();
    options.host = "here";
    TpmConnection tpm(environment_.tpm_device);
    return Must(LoadKeys(store_, tpm, options));
  }
};

TEST_F(LoadSparesTest, TheCurrentBlobIsLoadedAndTheSpareIsNot) {
  std::string current = AddBlob(kId);
  std::string staged = AddBlob(kId, kStagedBlob);
  LoadedKeys loaded = Load({.keep_kek = true});
  EXPECT_EQ(PayloadOf(loaded.keys.at(kId).at(0)), current);
  EXPECT_THAT(loaded.lines, ElementsAre(Pair(kId, LineFor(kId, current, kek_))));
  EXPECT_EQ(loaded.spares.at(kId).blob.text, staged);
  EXPECT_FALSE(HoldsKey("encrypted", std::string("nvdimm-new:") + kId));
}

TEST_F(LoadSparesTest, TheKekOfASpareIsHeldUntilItIsDropped) {
  AddBlob(kId);
  AddBlob(kId, kStagedBlob);
  LoadedKeys loaded = Load();
  ASSERT_THAT(loaded.held_keks, SizeIs(1));
  EXPECT_TRUE(HoldsKey("user", "nvdimm-master"));
  EXPECT_EQ(loaded.held_keks[0].serial(), Must(keyring().Find("user", "nvdimm-master"))->serial());
}

TEST_F(LoadSparesTest, WithoutASpareNoKekIsHeld) {
  AddBlob(kId);
  EXPECT_THAT(Load().held_keks, IsEmpty());
  EXPECT_FALSE(HoldsKey("user", "nvdimm-master"));
}

TEST_F(LoadSparesTest, AKekThatIsKeptIsNotHeld) {
  AddBlob(kId);
  AddBlob(kId, kStagedBlob);
  EXPECT_THAT(Load({.keep_kek = true}).held_keks, IsEmpty());
}

TEST_F(LoadSparesTest, ASpareThatIsDamagedIsNone) {
  AddBlob(kId);
  WriteKeysFile(MakeBlobName(kStagedBlob, kId, "here").name, Damaged(AddBlob(kId, kStagedBlob)));
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kId)));
  EXPECT_THAT(loaded.spares, IsEmpty());
  EXPECT_THAT(loaded.held_keks, IsEmpty());
}

TEST_F(LoadSparesTest, ASpareOfAnotherKekIsKeptWithIt) {
  const KekName other = {"user", "rack7"};
  AddKek(other, SampleSecret(32, 0x50));
  AddBlob(kId);
  std::string staged = AddBlobOf(other, SampleSecret(32, 0x50), kId, kStagedBlob);
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kId)));
  EXPECT_EQ(loaded.spares.at(kId).blob.text, staged);
  EXPECT_THAT(loaded.held_keks, SizeIs(1));
}

TEST_F(LoadSparesTest, ASpareWhoseKekCannotBeHadIsNoneAndNoProblem) {
  AddBlob(kId);
  AddBlobOf({"user", "rack7"}, SampleSecret(32, 0x50), kId, kStagedBlob);
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kId)));
  EXPECT_THAT(loaded.spares, IsEmpty());
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_THAT(loaded.notes, Contains(HasSubstr("rack7.pem")));
}

TEST_F(LoadSparesTest, ASpareTakesThePlaceOfACurrentBlobWhoseHmacDoesNotHold) {
  WriteKeysFile(MakeBlobName(kCurrentBlob, kId, "here").name, Damaged(AddBlob(kId)));
  std::string staged = AddBlob(kId, kStagedBlob);
  LoadedKeys loaded = Load({.keep_kek = true});
  EXPECT_EQ(PayloadOf(loaded.keys.at(kId).at(0)), staged);
  EXPECT_THAT(loaded.lines, ElementsAre(Pair(kId, LineFor(kId, staged, kek_))));
  EXPECT_THAT(loaded.spares, IsEmpty());
  EXPECT_THAT(loaded.failed, IsEmpty());
  EXPECT_THAT(loaded.notes, Contains(HasSubstr("is damaged, or wrapped by another kek")));
}

TEST_F(LoadSparesTest, WhenBothAreDamagedNoneIsLoaded) {
  WriteKeysFile(MakeBlobName(kCurrentBlob, kId, "here").name, Damaged(AddBlob(kId)));
  WriteKeysFile(MakeBlobName(kStagedBlob, kId, "here").name, Damaged(AddBlob(kId, kStagedBlob)));
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, IsEmpty());
  EXPECT_EQ(loaded.failed.at(kId).code, Errc::kKeysIncomplete);
}

/// The TPM has opened once in this boot, and would not again.
TEST_F(LoadSparesTest, KeyringOnlyDoesNotAskTheTpm) {
  EnrollKek({"user", "rack7"}, SampleSecret(32, 0x50));
  AddBlob(kId);
  AddBlobOf({"user", "rack7"}, SampleSecret(32, 0x50), kOtherId);
  LoadedKeys loaded = Load({.keep_kek = true, .keyring_only = true});
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kId)));
  EXPECT_EQ(loaded.failed.at(kOtherId).code, Errc::kKekMissing);
  ASSERT_THAT(loaded.problems, SizeIs(1));
  EXPECT_EQ(loaded.problems[0].message, "user:rack7 is not in the keyring");
}

}  // namespace
}  // namespace nvunlock
