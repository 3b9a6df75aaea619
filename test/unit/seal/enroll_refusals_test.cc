// SPDX-License-Identifier: Apache-2.0
// What enroll refuses, and that a refusal leaves everything as it was.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>

#include "src/seal/enroll.h"
#include "test/unit/support/machine.h"

namespace nvunlock {
namespace {

class EnrollRefusalTest : public MachineTest {
 protected:
  /// Enrolls, and expects that it is refused and that neither the keys directory nor the keyring
  /// is another afterwards.
  void ExpectRefusal(const EnrollOptions& options, Errc code, const std::string& words) const {
    std::map<std::string, std::string> files = KeysFiles();
    std::string kek = KekInKeyring();
    EXPECT_THAT(Enroll(environment_, options), FailsWith(code, words));
    EXPECT_EQ(KeysFiles(), files);
    EXPECT_EQ(KekInKeyring(), kek);
  }

  [[nodiscard]] static EnrollOptions ImportOptions() {
    EnrollOptions options = DefaultOptions();
    options.import_clear_kek = true;
    return options;
  }

  void AddKekToKeyring(const Secret& kek) const {
    (void)Must(keyring().AddUser("nvdimm-master", kek.bytes()));
  }

 private:
  [[nodiscard]] std::map<std::string, std::string> KeysFiles() const {
    std::map<std::string, std::string> files;
    if (!std::filesystem::exists(environment_.keys_dir)) return files;
    for (const auto& entry : std::filesystem::directory_iterator(environment_.keys_dir)) {
      std::string name = entry.path().filename();
      files[name] = ReadKeysFile(name);
    }
    return files;
  }

  [[nodiscard]] std::string KekInKeyring() const {
    std::optional<Key> key = Must(keyring().Find("user", "nvdimm-master"));
    return key ? PayloadOf(*key) : "";
  }
};

TEST_F(EnrollRefusalTest, AKeyFileIsNeverOverwritten) {
  WriteKeysFile("nvdimm-master.pem", "whatever it is");
  ExpectRefusal(DefaultOptions(), Errc::kFailed, "exists and is not overwritten");
  WriteKeysFile("nvdimm-master.blob", "kek");
  ExpectRefusal(ImportOptions(), Errc::kFailed, "exists and is not overwritten");
}

TEST_F(EnrollRefusalTest, AKekInClearIsNotPassedOver) {
  WriteKeysFile("nvdimm-master.blob", "kek");
  ExpectRefusal(DefaultOptions(), Errc::kFailed, "'nvunlock enroll --import'");
}

TEST_F(EnrollRefusalTest, AKekInTheKeyringIsNotPassedOver) {
  AddKekToKeyring(SampleSecret(32));
  ExpectRefusal(DefaultOptions(), Errc::kFailed, "keyctl pipe");
}

TEST_F(EnrollRefusalTest, AnotherKekInTheKeyringIsNotReplaced) {
  AddKekToKeyring(SampleSecret(32, 2));
  WriteKeysFile("nvdimm-master.blob", AsText(SampleSecret(32).bytes()));
  ExpectRefusal(ImportOptions(), Errc::kFailed, "another user:nvdimm-master is in the keyring");
}

TEST_F(EnrollRefusalTest, ANewKekIsNotPutInThePlaceOfTheOneThatBlobsNeed) {
  AddBlob(kDimmId, SampleSecret(32));
  ExpectRefusal(DefaultOptions(), Errc::kKeysIncomplete, "use 'nvunlock enroll --import'");
}

TEST_F(EnrollRefusalTest, AnImportedKekThatDoesNotOpenTheBlobsIsRefused) {
  AddBlob(kDimmId, SampleSecret(32));
  WriteKeysFile("nvdimm-master.blob", std::string(AsText(SampleSecret(32).bytes())) + "\n");
  ExpectRefusal(ImportOptions(), Errc::kKeysIncomplete, "was made under another");
}

TEST_F(EnrollRefusalTest, ThereMustBeAKekToImport) {
  ExpectRefusal(ImportOptions(), Errc::kFailed, "nvdimm-master.blob: No such file or directory");
  WriteKeysFile("nvdimm-master.blob", "");
  ExpectRefusal(ImportOptions(), Errc::kFailed, "empty");
  WriteKeysFile("nvdimm-master.blob", std::string(4097, 'x'));
  ExpectRefusal(ImportOptions(), Errc::kFailed, "larger than 4096");
}

TEST_F(EnrollRefusalTest, TrustedKeksAreForLaterVersions) {
  EnrollOptions options = DefaultOptions();
  options.kek.type = "trusted";
  ExpectRefusal(options, Errc::kFailed, "type user only");
}

TEST_F(EnrollRefusalTest, WhatATrustedKekHasSealedIsNotTakenForAUserKek) {
  WriteKeysFile("nvdimm-master.blob", std::string(640, 'a') + "\n");
  ExpectRefusal(ImportOptions(), Errc::kFailed, "nvdimm-master.blob holds a trusted kek");
  ExpectRefusal(DefaultOptions(), Errc::kFailed, "trusted keks are not supported yet");
}

TEST_F(EnrollRefusalTest, AHandleOfATpmSaysThatTheKekIsTrusted) {
  WriteKeysFile("nvdimm-master.blob", AsText(SampleSecret(32).bytes()));
  WriteKeysFile("tpm.handle", "0x81000001\n");
  ExpectRefusal(ImportOptions(), Errc::kFailed, "tpm.handle says that nvdimm-master is a trusted");
}

TEST_F(EnrollRefusalTest, ABlobUnderATrustedKekOfTheNameSaysSoToo) {
  WriteKeysFile("nvdimm-master.blob", AsText(SampleSecret(32).bytes()));
  for (const char* word : {"nvdimm", "nvdimm-master", "nvdimm-old"}) {
    std::string name = std::string(word) + "_" + kDimmId + "_here.blob";
    WriteKeysFile(name, "enc32 trusted:nvdimm-master 32 " + std::string(162, 'a'));
    ExpectRefusal(ImportOptions(), Errc::kFailed, name + " is wrapped by trusted:nvdimm-master");
    ASSERT_TRUE(std::filesystem::remove(KeysPathOf(name)));
  }
}

TEST_F(EnrollRefusalTest, WithoutATpmNothingIsEnrolled) {
  environment_.tpm_device = "/nonexistent/tpm";
  ExpectRefusal(DefaultOptions(), Errc::kNoTpm, "/nonexistent/tpm");
}

TEST_F(EnrollRefusalTest, APolicyThatAssertsTooLittleIsRefusedUnlessItIsAskedFor) {
  EnrollOptions options = DefaultOptions();
  options.policy = {.pcrs = Must(ParsePcrTerms("7"))};
  ExpectRefusal(options, Errc::kFailed, "--weak-policy");
  options.policy.weak_policy = true;
  EXPECT_THAT(Enroll(environment_, options), Succeeds());
}

TEST_F(EnrollRefusalTest, ADamagedRecordOfThePcrsIsNotGuessedAround) {
  directory_.Write("run/nvunlock/pcrs.json", "{}");
  ExpectRefusal(DefaultOptions(), Errc::kFailed, "pcrs.json");
}

TEST_F(EnrollRefusalTest, AnImportedStorageRootKeyIsRefused) {
  {
    Tpm tpm = ConnectTo(swtpm());
    EvictPersistent(tpm, 0x81000001);
  }
  swtpm().RunTools(
      "tpm2_createprimary -Q -C o -g sha256 -G ecc256 -c other.ctx\n"
      "tpm2_evictcontrol -Q -C o -c other.ctx 0x81000001");
  ExpectRefusal(DefaultOptions(), Errc::kWrongTpm, "0x81000001");
  Tpm tpm = ConnectTo(swtpm());
  EvictPersistent(tpm, 0x81000001);
}

}  // namespace
}  // namespace nvunlock
