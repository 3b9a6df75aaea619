#include "src/backup/backup.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <map>

#include "src/model/blob_record.h"
#include "test/unit/support/backed_up_machine.h"
#include "test/unit/support/commands.h"

namespace nvunlock {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class BackupTest : public BackedUpMachine {};

TEST_F(BackupTest, ItSaysWhatIsInItAndWhatOpensIt) {
  AddKek("one", 1);
  AddKek("two", 2);
  AddBlob("nvdimm_8680-1_here.blob", "one");
  WriteKeysFile(kEnrolledDimmsFile, "# text\n");
  BackupReport report = Must(Backup());
  EXPECT_THAT(report.files,
              ElementsAre("enrolled-dimms", "nvdimm_8680-1_here.blob", "one.pem", "two.pem"));
  EXPECT_THAT(report.keks, ElementsAre("user:one by recovery-key", "user:two by recovery-key"));
  EXPECT_THAT(report.notes, ElementsAre());
}

TEST_F(BackupTest, AllPassphraseBlobsAreInIt) {
  AddKek("one", 1);
  const char* names[] = {"nvdimm-master-new_1_here.blob", "nvdimm-master-old_1_here.blob",
                         "nvdimm-master_1_here.blob",     "nvdimm-new_1_here.blob",
                         "nvdimm-old_1_here.blob",        "nvdimm_1_here.blob"};
  for (const char* name : names) AddBlob(name, "one");
  std::vector<std::string> files = Must(Backup()).files;
  for (const char* name : names) EXPECT_THAT(files, Contains(name));
}

TEST_F(BackupTest, TheFileIsForItsOwnerOnlyAndHoldsNothingInClear) {
  AddKek("one", 1);
  std::string blob = AddBlob("nvdimm_8680-1_here.blob", "one");
  ASSERT_THAT(Backup(), Succeeds());
  struct stat info = {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600U);
  std::string text = directory_.Read("backup");
  EXPECT_THAT(text, Not(HasSubstr(blob)));
  EXPECT_THAT(text, Not(HasSubstr("8680-1")));
}

TEST_F(BackupTest, AKekInClearIsLeftOutUnderWhateverNameItLies) {
  AddKek("one", 1);
  for (const char* name : {"one.blob", "nvdimm-master.blob", "nvdimm_one_two.blob"}) {
    WriteKeysFile(name, AsText(KekNumber(1).bytes()));
  }
  BackupReport report = Must(Backup());
  EXPECT_THAT(report.files, ElementsAre("one.pem"));
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("nvdimm-master.blob is left out"),
                                        HasSubstr("nvdimm_one_two.blob is left out"),
                                        HasSubstr("one.blob is left out")));
  std::string kek(AsText(KekNumber(1).bytes()));
  EXPECT_THAT(directory_.Read("backup"), Not(HasSubstr(kek)));
}

TEST_F(BackupTest, AnEmptyStagedBlobCountsAsAbsentAndAnEmptyCurrentOneIsNamed) {
  AddKek("one", 1);
  WriteKeysFile("nvdimm-new_1_here.blob", "");
  WriteKeysFile("nvdimm_2_here.blob", "");
  BackupReport report = Must(Backup());
  EXPECT_THAT(report.files, ElementsAre("one.pem"));
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("nvdimm_2_here.blob is left out")));
}

TEST_F(BackupTest, BlobsThatTheBackupDoesNotOpenAreInItAndNamed) {
  AddKek("one", 1);
  std::string blob = AddBlob("nvdimm_1_here.blob", "one");
  blob.back() = blob.back() == '0' ? '1' : '0';
  WriteKeysFile("nvdimm_1_here.blob", blob);
  AddToKeyring("other", 3);
  AddBlob("nvdimm_2_here.blob", "other");
  BackupReport report = Must(Backup());
  EXPECT_THAT(report.files, Contains("nvdimm_1_here.blob"));
  EXPECT_THAT(report.files, Contains("nvdimm_2_here.blob"));
  EXPECT_THAT(report.notes,
              ElementsAre(HasSubstr("damaged"), HasSubstr("user:other has no key file")));
}

TEST_F(BackupTest, AKekWithoutARecoverySlotIsRefusedByName) {
  AddKek("one", 1);
  AddKekWithTpmSlotOnly("two", 2);
  EXPECT_THAT(Backup(), FailsWith(Errc::kFailed, "user:two: its key file has no recovery slot"));
  EXPECT_FALSE(directory_.Holds("backup"));
}

TEST_F(BackupTest, AKekThatIsNotInTheKeyringIsRefusedByName) {
  AddKek("one", 1);
  AddKek("two", 2);
  RemoveFromKeyring("two");
  EXPECT_THAT(Backup(), FailsWith(Errc::kFailed, "user:two is not in the keyring: run 'nvunlock"));
  EXPECT_FALSE(directory_.Holds("backup"));
}

TEST_F(BackupTest, AnotherKekInTheKeyringIsRefused) {
  AddKek("one", 1);
  AddToKeyring("one", 2);
  EXPECT_THAT(Backup(), FailsWith(Errc::kFailed, "is not the kek of"));
  EXPECT_FALSE(directory_.Holds("backup"));
}

TEST_F(BackupTest, WithoutAKeyFileThereIsNothingToBackUp) {
  WriteKeysFile("keys.readme", "text");
  EXPECT_THAT(Backup(), FailsWith(Errc::kFailed, "nothing is enrolled"));
  EXPECT_FALSE(directory_.Holds("backup"));
}

TEST_F(BackupTest, ADamagedKeyFileIsRefused) {
  AddKek("one", 1);
  WriteKeysFile("two.pem", "-----BEGIN CERTIFICATE-----\n");
  EXPECT_THAT(Backup(), FailsWith(Errc::kBadKeyFile, "two.pem"));
  EXPECT_FALSE(directory_.Holds("backup"));
}

TEST_F(BackupTest, WhatIsThereIsNeverReplaced) {
  AddKek("one", 1);
  directory_.Write("backup", "precious");
  EXPECT_THAT(Backup(), FailsWith(Errc::kFailed, "exists already"));
  EXPECT_EQ(directory_.Read("backup"), "precious");
}

TEST_F(BackupTest, OpensslAndTarAloneOpenItByEachKek) {
  AddKek("one", 1);
  AddKek("two", 2);
  std::string blob = AddBlob("nvdimm_8680-1_here.blob", "one");
  ASSERT_THAT(Backup(), Succeeds());
  const std::map<std::string, uint8_t> keks = {{"one", 1}, {"two", 2}};
  for (const auto& [name, number] : keks) {
    std::string out = directory_.PathOf("out-" + name);
    RunCommand(
        "mkdir " + out + "\nwrap=$(openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:" +
        ToHex(KekNumber(number).bytes()) +
        " -kdfopt info:'nvunlock backup' -binary HKDF | od -An -v -tx1 | tr -d ' \\n')\n"
        "id=$(printf user:" +
        name + " | od -An -v -tx1 | tr -d ' \\n')\n" + "openssl cms -decrypt -inform PEM -in " +
        path_ + " -secretkey $wrap -secretkeyid $id -out " + out + ".tar\ntar -xf " + out +
        ".tar -C " + out);
    EXPECT_EQ(directory_.Read("out-" + name + "/nvdimm_8680-1_here.blob"), blob);
    EXPECT_EQ(directory_.Read("out-" + name + "/two.pem"), ReadKeysFile("two.pem"));
    EXPECT_THAT(directory_.Read("out-" + name + "/about-this-backup"),
                HasSubstr("host: here\ndate: 2023-11-14T22:13:20Z\nnvunlock: 1.2.3\n"));
  }
}

}  // namespace
}  // namespace nvunlock
