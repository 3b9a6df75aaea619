#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_BACKED_UP_MACHINE_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_BACKED_UP_MACHINE_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

#include "src/backup/backup.h"
#include "src/backup/restore.h"
#include "src/model/environment.h"
#include "test/unit/support/byte_strings.h"
#include "test/unit/support/kernel_keys.h"
#include "test/unit/support/key_file_sample.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {

/// A keys directory and a keyring, without a TPM: the key files have recovery slots only.
class BackedUpMachine : public testing::Test {
 protected:
  BackedUpMachine() : environment_(EnvironmentBelow(directory_.path())) {
    environment_.keyring = keyring().serial();
    std::filesystem::create_directories(environment_.keys_dir);
  }

  static Secret KekNumber(uint8_t number) { return SampleSecret(32, number); }

  /// What somebody types as the recovery key of that kek.
  static Secret RecoveryKeyNumber(uint8_t number) {
    return Must(FormatRecoveryKey(SampleSecret(32, static_cast<uint8_t>(100 + number))));
  }

  [[nodiscard]] const Keyring& keyring() const { return test_keyring_.keyring(); }

  void AddToKeyring(const std::string& name, uint8_t number) const {
    (void)Must(keyring().AddUser(name, KekNumber(number).bytes()));
  }

  void RemoveFromKeyring(const std::string& name) const {
    EXPECT_THAT(Must(keyring().Find("user", name))->Invalidate(), Succeeds());
  }

  /// A kek with a recovery key, in the keyring.
  void AddKek(const std::string& name, uint8_t number) const {
    Secret key = SampleSecret(32, static_cast<uint8_t>(100 + number));
    AddKekWithSlot(name, number, Must(MakeKeySlot(KekNumber(number), key)));
  }

  void AddKekWithSlot(const std::string& name, uint8_t number, RecoverySlot slot) const {
    KeyFile file = {.kek = {"user", name},
                    .check_value = Must(KekCheckValue(KekNumber(number))),
                    .recovery = {std::move(slot)}};
    WriteKeysFile(name + ".pem", Must(FormatKeyFile(file)));
    AddToKeyring(name, number);
  }

  void AddKekWithTpmSlotOnly(const std::string& name, uint8_t number) const {
    KeyFile file = SampleKeyFile();
    file.kek.description = name;
    file.check_value = Must(KekCheckValue(KekNumber(number)));
    WriteKeysFile(name + ".pem", Must(FormatKeyFile(file)));
    AddToKeyring(name, number);
  }

  /// A blob of the kernel's under a kek in the keyring. Returns its text.
  [[nodiscard]] std::string MakeBlob(const std::string& kek) const {
    return test_keyring_.MakeBlob(kek);
  }
  std::string AddBlob(const std::string& name, const std::string& kek) const {
    std::string text = MakeBlob(kek);
    WriteKeysFile(name, text);
    return text;
  }

  void WriteKeysFile(const std::string& name, std::string_view content) const {
    directory_.Write("etc/ndctl/keys/" + name, content);
  }
  [[nodiscard]] std::string ReadKeysFile(const std::string& name) const {
    return directory_.Read("etc/ndctl/keys/" + name);
  }
  [[nodiscard]] bool HasKeysFile(const std::string& name) const {
    return directory_.Holds("etc/ndctl/keys/" + name);
  }

  /// Name to content of all that is in the keys directory.
  [[nodiscard]] std::map<std::string, std::string> KeysFiles() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(environment_.keys_dir)) {
      std::string name = entry.path().filename();
      files[name] = ReadKeysFile(name);
    }
    return files;
  }

  /// The disk and the keyring are lost; the backup is elsewhere.
  void LoseEverything() const {
    std::filesystem::remove_all(environment_.keys_dir);
    keyctl_clear(keyring().serial());
  }

  [[nodiscard]] Result<BackupReport> Backup() const {
    return WriteBackup(environment_, {.host = "here", .version = "1.2.3", .time = 1700000000},
                       path_);
  }

  TestKeyring test_keyring_;
  TemporaryDirectory directory_;
  Environment environment_;
  const std::string path_ = directory_.PathOf("backup");
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_BACKED_UP_MACHINE_H_
