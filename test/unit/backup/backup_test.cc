// SPDX-License-Identifier: Apache-2.0
#include "src/backup/backup.h"

#include "src/model/blob_record.h"
#include "test/unit/support/commands.h"
#include "test/unit/support/operations_test.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// A kek with a recovery key, its blob and a record.
class BackupTest : public OperationsTest {
 protected:
  BackupTest() {
    std::filesystem::create_directory(directory_.PathOf("stick"));
    Remove(kek_name_.ClearFileName());
    Enroll(kek_name_, kek_);
    AddBlob(kId);
    WriteKeysFile(kEnrolledDimmsFile, "# a comment\n");
  }

  void Enroll(const KekName& name, const Secret& kek) const {
    KeyFile file = SampleKeyFile();
    file.kek = name;
    file.check_value = Must(KekCheckValue(kek));
    file.recovery.push_back(Must(MakeKeySlot(kek, SampleSecret(32, 100))));
    WriteKeysFile(name.KeyFileName(), Must(FormatKeyFile(file)));
  }

  void Remove(const std::string& name) const { std::filesystem::remove_all(store_.PathOf(name)); }

  /// All names in the keys directory, and what the files hold.
  [[nodiscard]] std::string KeysFiles() const {
    return RunCommand("tail -v -n +1 " + store_.directory() + "/*");
  }

  [[nodiscard]] Result<BackupReport> Backup() const { return WriteBackup(environment_, path_); }

  /// There is no backup, not even half of one.
  void ExpectRefusal(const std::string& words, Errc code = Errc::kFailed) const {
    EXPECT_THAT(Backup(), FailsWith(code, words));
    EXPECT_EQ(directory_.CountIn("stick"), 0U);
  }

  [[nodiscard]] Result<RestoreReport> Restore(bool replace = false) const {
    return RestoreFiles(Must(ReadBackup(path_)), store_.directory(), replace);
  }

  const std::string path_ = directory_.PathOf("stick/backup");
  const std::string blob_ = MakeBlobName(kCurrentBlob, kId, "here").name;
};

TEST_F(BackupTest, KeyFilesAllBlobsAndTheRecordComeBackForTheirOwnerOnly) {
  for (PassphraseRole role : {PassphraseRole::kUser, PassphraseRole::kMaster}) {
    for (BlobStage stage : {BlobStage::kCurrent, BlobStage::kStaged, BlobStage::kReplaced}) {
      AddBlob(kOtherId, {role, stage}, std::string(64, 'h'));
    }
  }
  const KekName two = {"user", "two"};
  AddKek(two, SampleSecret(32, 2));
  Enroll(two, SampleSecret(32, 2));
  AddBlobOf(two, SampleSecret(32, 2), "8680-1");
  const std::string before = KeysFiles();
  WriteKeysFile("keys.readme", "not ours");
  WriteKeysFile("nvdimm-new_1_here.blob", "");  // counts as absent
  BackupReport report = Must(Backup());
  EXPECT_THAT(report.keks,
              ElementsAre("user:nvdimm-master by recovery-key", "user:two by recovery-key"));
  Remove("");
  EXPECT_EQ(Must(Restore()).written, report.files);
  EXPECT_EQ(KeysFiles(), before);
  EXPECT_EQ(
      RunCommand("cd " + store_.directory() + "; stat -c %a . ; stat -c %a " + path_ + " * | uniq"),
      "700\n600\n");
}

TEST_F(BackupTest, AKekInClearNeverGetsIntoIt) {
  const std::string kek(AsText(kek_.bytes()));
  WriteKeysFile("nvdimm_one_two.blob", kek);
  ExpectRefusal("nvdimm_one_two.blob: ");
  Remove("nvdimm_one_two.blob");
  WriteKeysFile(kek_name_.ClearFileName(), kek);
  EXPECT_THAT(Must(Backup()).notes, ElementsAre(HasSubstr("nvdimm-master.blob is left out")));
  EXPECT_THAT(directory_.Read("stick/backup"), Not(HasSubstr(kek)));
}

TEST_F(BackupTest, ABlobThatItsKeyFilesDoNotOpenIsRefused) {
  AddBlobOf(kek_name_, SampleSecret(32), kId);
  ExpectRefusal(blob_ + ": it is damaged, or wrapped by another kek than user:nvdimm-master");
  AddBlobOf({"user", "other"}, kek_, kId);
  ExpectRefusal("its kek user:other is not enrolled");
  WriteKeysFile(blob_, "");
  ExpectRefusal(blob_ + ": empty");
}

TEST_F(BackupTest, AKekWithoutARecoverySlotIsRefused) {
  EnrollKek(kek_name_, kek_);
  ExpectRefusal("user:nvdimm-master: its key file has no recovery slot");
}

TEST_F(BackupTest, AKekThatIsNotInTheKeyringIsRefused) {
  AddKek(kek_name_, SampleSecret(32));
  ExpectRefusal("is not the kek of nvdimm-master.pem", Errc::kKeysIncomplete);
  keyctl_clear(keyring().serial());
  ExpectRefusal("user:nvdimm-master is not in the keyring", Errc::kKekMissing);
}

TEST_F(BackupTest, WhatRestoreWouldRefuseIsRefused) {
  WriteKeysFile(kEnrolledDimmsFile, "half a line\n");
  ExpectRefusal("enrolled-dimms: it has damaged lines");
  WriteKeysFile("two.pem", SampleKeyFileText());
  ExpectRefusal("two.pem: it holds user:nvdimm-master");
  WriteKeysFile("two.pem", "-----BEGIN CERTIFICATE-----\n");
  ExpectRefusal("two.pem: ", Errc::kBadKeyFile);
  Remove("");
  std::filesystem::create_directory(store_.directory());
  ExpectRefusal("nothing is enrolled");
}

TEST_F(BackupTest, WhatIsThereIsNotReplacedByABackup) {
  directory_.Write("stick/backup", "precious");
  EXPECT_THAT(Backup(), FailsWith(Errc::kFailed, "already exists"));
  EXPECT_EQ(directory_.Read("stick/backup"), "precious");
}

TEST_F(BackupTest, RestoreLeavesAloneWhatIsThereAlready) {
  EXPECT_THAT(Backup(), Succeeds());
  WriteKeysFile("keys.readme", "stays");
  const std::string before = KeysFiles();
  Remove("nvdimm-master.pem");
  WriteKeysFile(blob_, "");
  RestoreReport report = Must(Restore());
  EXPECT_THAT(report.written, ElementsAre("nvdimm-master.pem", blob_));
  EXPECT_THAT(report.same, ElementsAre("enrolled-dimms"));
  EXPECT_EQ(KeysFiles(), before);
}

TEST_F(BackupTest, AFileThatDiffersStopsRestoreUnlessItIsToBeKeptBeside) {
  EXPECT_THAT(Backup(), Succeeds());
  const std::string backed_up = ReadBlob(kId);
  Remove("nvdimm-master.pem");
  WriteKeysFile(blob_, "newer");
  const std::string present = KeysFiles();
  EXPECT_THAT(Restore(), FailsWith(Errc::kFailed, "other versions of " + blob_ + ";"));
  EXPECT_EQ(KeysFiles(), present);
  EXPECT_THAT(Must(Restore(/*replace=*/true)).replaced, ElementsAre(blob_));
  EXPECT_EQ(ReadBlob(kId), backed_up);
  EXPECT_THAT(KeysFiles(), HasSubstr(blob_ + ".before-restore <==\nnewer"));
}

TEST_F(BackupTest, WhatAnEarlierRestoreHasKeptIsNotLost) {
  EXPECT_THAT(Backup(), Succeeds());
  WriteKeysFile(blob_, "newer");
  WriteKeysFile(blob_ + ".before-restore", "older");
  const std::string present = KeysFiles();
  EXPECT_THAT(Restore(/*replace=*/true), FailsWith(Errc::kFailed, "move it away"));
  EXPECT_EQ(KeysFiles(), present);
  WriteKeysFile(blob_ + ".before-restore", "newer");  // as an interrupted run leaves it
  EXPECT_THAT(Restore(/*replace=*/true), Succeeds());
}

TEST_F(BackupTest, WhatIsNoBackupIsRefused) {
  const std::string key_file = SampleKeyFileText();
  const std::vector<TarFile> hostile = {
      {"passwd", "root::0:0"},
      {"nvdimm-master.blob", "a kek in clear"},
      {"nvdimm_1_here.blob", "no blob"},
      {"nvdimm_1_here.blob.before-restore", "no blob"},
      {"bad.pem", "no key file"},
      {"other.pem", key_file},
      {"x.pem", "kek: \033[2J\nkek-check: " + std::string(32, '0')},
      {"enrolled-dimms", "half a line\n"}};
  for (const TarFile& file : hostile) {
    directory_.Write("stick/backup", AsText(PackTar({{"nvdimm-master.pem", key_file}, file}, 0)));
    Result<std::vector<TarFile>> read = ReadBackup(path_);
    ASSERT_THAT(read, FailsWith(Errc::kFailed, path_ + ": " + file.name));
    EXPECT_THAT(read.error().message, Not(HasSubstr("\033")));
  }
  directory_.Write("stick/backup", key_file);
  EXPECT_THAT(ReadBackup(path_),
              FailsWith(Errc::kFailed, path_ + ": it is truncated or not a tar"));
  directory_.Write("stick/backup", AsText(PackTar({}, 0)));
  EXPECT_THAT(ReadBackup(path_), FailsWith(Errc::kFailed, path_ + ": it is empty"));
}

}  // namespace
}  // namespace nvunlock
