#include "src/backup/restore.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "src/model/backup_file.h"
#include "test/unit/support/backed_up_machine.h"
#include "test/unit/support/commands.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RestoreTest : public BackedUpMachine {
 protected:
  /// Keks "one" and "two", a blob of each, and a backup of it all.
  RestoreTest() {
    AddKek("one", 1);
    AddKek("two", 2);
    AddBlob("nvdimm_1_here.blob", "one");
    AddBlob(
        "nvdimm-master_2_a-host-name-that-is-so-long-that-together-with-the-rest-it-has-more-"
        "than-100-characters.blob",
        "two");
    EXPECT_THAT(Backup(), Succeeds());
    before_ = KeysFiles();
  }

  /// Opens the backup; each time that somebody is asked they type the next of ANSWERS.
  [[nodiscard]] Result<OpenedBackup> Open(std::vector<std::string> answers = {}) {
    asked_ = 0;
    return OpenBackup(path_, keyring(), [this, answers](const KekName&) -> Result<Secret> {
      if (asked_ == answers.size()) return Fail("nobody is there");
      return SecretOf(answers[asked_++]);
    });
  }

  [[nodiscard]] Result<RestoreReport> Restore(bool replace = false) {
    return RestoreFiles(Must(Open()), environment_.keys_dir, replace);
  }

  static std::string Typed(uint8_t number) {
    return std::string(AsText(RecoveryKeyNumber(number).bytes()));
  }

  /// Replaces the backup by one that holds FILES, by somebody who has had kek "one".
  void ForgeBackup(const std::vector<TarFile>& files) const {
    BackupFile backup = Must(ParseBackup(directory_.Read("backup")));
    std::vector<NamedKek> keks;
    keks.push_back({backup.keks[0].kek, KekNumber(1)});
    backup.archive = Must(EncryptArchive(Must(PackTar(files, 0)), keks));
    directory_.Write("backup", Must(FormatBackup(backup)));
  }

  std::map<std::string, std::string> before_;
  size_t asked_ = 0;
};

TEST_F(RestoreTest, TheRecoveryKeyOfEachKekBringsAllFilesBack) {
  for (uint8_t number : {1, 2}) {
    LoseEverything();
    OpenedBackup backup = Must(Open({Typed(number)}));
    RestoreReport report = Must(RestoreFiles(backup, environment_.keys_dir, false));
    EXPECT_EQ(KeysFiles(), before_);
    EXPECT_EQ(report.written.size(), 4U);
  }
}

TEST_F(RestoreTest, AKekInTheKeyringOpensItAndNobodyIsAsked) {
  RemoveFromKeyring("one");
  EXPECT_THAT(Open(), Succeeds());
  EXPECT_EQ(asked_, 0U);
}

TEST_F(RestoreTest, AnotherKekOfThatNameInTheKeyringDoesNotCount) {
  keyctl_clear(keyring().serial());
  AddToKeyring("one", 3);
  EXPECT_THAT(Open({Typed(2)}), Succeeds());
  EXPECT_EQ(asked_, 1U);
}

TEST_F(RestoreTest, AWrongRecoveryKeyIsRefusedAfterThreeTries) {
  LoseEverything();
  EXPECT_THAT(Open({Typed(3), "wrong", Typed(2)}), Succeeds());
  EXPECT_THAT(Open({Typed(3), "wrong", Typed(3), Typed(2)}),
              FailsWith(Errc::kFailed, "opens no recovery slot of the backup"));
  EXPECT_EQ(asked_, 3U);
  EXPECT_THAT(Open(), FailsWith(Errc::kFailed, "nobody is there"));
}

TEST_F(RestoreTest, FilesAreForTheirOwnerOnly) {
  LoseEverything();
  AddToKeyring("one", 1);
  ASSERT_THAT(Restore(), Succeeds());
  struct stat info = {};
  ASSERT_EQ(stat((environment_.keys_dir + "/one.pem").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  ASSERT_EQ(stat(environment_.keys_dir.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700U);
}

TEST_F(RestoreTest, WhatIsThereAlreadyIsLeftAlone) {
  std::filesystem::remove(environment_.keys_dir + "/two.pem");
  WriteKeysFile("keys.readme", "stays");
  RestoreReport report = Must(Restore());
  EXPECT_THAT(report.written, ElementsAre("two.pem"));
  EXPECT_EQ(report.same.size(), 3U);
  before_["keys.readme"] = "stays";
  EXPECT_EQ(KeysFiles(), before_);
}

TEST_F(RestoreTest, AFileThatDiffersStopsItBeforeAnythingIsWritten) {
  std::filesystem::remove(environment_.keys_dir + "/one.pem");
  WriteKeysFile("nvdimm_1_here.blob", "newer");
  std::map<std::string, std::string> present = KeysFiles();
  EXPECT_THAT(Restore(), FailsWith(Errc::kFailed, "something else as nvdimm_1_here.blob"));
  EXPECT_EQ(KeysFiles(), present);
}

TEST_F(RestoreTest, ReplacingKeepsTheOldFileBesideIt) {
  WriteKeysFile("nvdimm_1_here.blob", "newer");
  EXPECT_THAT(Must(Restore(/*replace=*/true)).replaced, ElementsAre("nvdimm_1_here.blob"));
  before_["nvdimm_1_here.blob.before-restore"] = "newer";
  EXPECT_EQ(KeysFiles(), before_);
  EXPECT_THAT(Must(Restore(/*replace=*/true)).replaced, IsEmpty());
}

TEST_F(RestoreTest, WhatAnEarlierRestoreHasKeptIsNotLost) {
  WriteKeysFile("nvdimm_1_here.blob", "newer");
  WriteKeysFile("nvdimm_1_here.blob.before-restore", "older");
  std::map<std::string, std::string> present = KeysFiles();
  EXPECT_THAT(Restore(/*replace=*/true), FailsWith(Errc::kFailed, "move it away"));
  EXPECT_EQ(KeysFiles(), present);
  // As an interrupted run leaves it.
  WriteKeysFile("nvdimm_1_here.blob.before-restore", "newer");
  EXPECT_THAT(Restore(/*replace=*/true), Succeeds());
}

TEST_F(RestoreTest, AnEmptyFileIsNothingThatCouldBeLost) {
  WriteKeysFile("nvdimm_1_here.blob", "");
  EXPECT_THAT(Must(Restore()).written, ElementsAre("nvdimm_1_here.blob"));
  EXPECT_EQ(KeysFiles(), before_);
}

TEST_F(RestoreTest, AnyChangeInTheArchiveIsNoticed) {
  const std::string text = directory_.Read("backup");
  size_t begin = text.find("-----BEGIN CMS-----\n") + 20;
  size_t end = text.find("-----END CMS-----");
  for (size_t at = begin; at < end; at += (end - begin) / 50) {
    std::string changed = text;
    changed[at] = text[at] == 'A' ? 'B' : 'A';
    directory_.Write("backup", changed);
    if (text[at] == '\n') continue;
    RemoveFromKeyring("one");
    EXPECT_THAT(Open(), FailsWith(Errc::kFailed, path_)) << at;
    AddToKeyring("one", 1);
  }
  directory_.Write("backup", text);
  EXPECT_THAT(Open(), Succeeds());
}

TEST_F(RestoreTest, ABackupThatIsCutShortOrNoneIsRefused) {
  const std::string text = directory_.Read("backup");
  size_t first_kek = text.find("\nkek: ") + 1;
  for (size_t size : {size_t{0}, size_t{10}, size_t{1000}, first_kek, first_kek + 20}) {
    directory_.Write("backup", text.substr(0, size));
    EXPECT_THAT(Open(), FailsWith(Errc::kFailed, path_)) << size;
  }
  directory_.Write("backup", ReadKeysFile("one.pem"));
  EXPECT_THAT(Open(), FailsWith(Errc::kFailed, "not a backup"));
}

TEST_F(RestoreTest, WhatDoesNotBelongIntoAKeysDirectoryIsRefused) {
  const std::vector<TarFile> hostile = {
      {"passwd", "root::0:0"},
      {"nvdimm.conf", "install nfit sh"},
      {"nvdimm-master.blob", "a kek in clear"},
      {"nvdimm_1_here.blob", "no blob"},
      {"nvdimm_1_here.blob.before-restore", "no blob"},
      {"bad.pem", "no key file"},
  };
  for (const TarFile& file : hostile) {
    ForgeBackup({{kAboutBackupFile, "host: x\n"}, file});
    EXPECT_THAT(Open(), FailsWith(Errc::kFailed, file.name));
  }
  ForgeBackup({{kAboutBackupFile, "host: \033[2Jx\n"}, {"one.pem", ReadKeysFile("one.pem")}});
  EXPECT_EQ(Must(Open()).about, "host: ?[2Jx\n");
}

TEST_F(RestoreTest, EscrowAloneOpensNothingHere) {
  RunCommand("openssl req -x509 -nodes -subj /CN=Escrow -days 2 -newkey rsa:2048 -keyout " +
             directory_.PathOf("key") + " -out " + directory_.PathOf("certificate"));
  std::filesystem::remove_all(environment_.keys_dir);
  std::filesystem::remove(path_);
  AddKekWithSlot("one", 1, Must(MakeEscrowSlot(KekNumber(1), directory_.Read("certificate"))));
  ASSERT_THAT(Backup(), Succeeds());
  EXPECT_THAT(Open(), Succeeds());
  keyctl_clear(keyring().serial());
  EXPECT_THAT(Open({Typed(1)}), FailsWith(Errc::kFailed, "escrow keys only"));
  EXPECT_EQ(asked_, 0U);
}

}  // namespace
}  // namespace nvunlock
