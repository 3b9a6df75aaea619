// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_OPERATIONS_TEST_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_OPERATIONS_TEST_H_

#include <gmock/gmock.h>

#include <filesystem>
#include <string>

#include "src/model/environment.h"
#include "src/model/key_store.h"
#include "test/unit/support/kernel_keys.h"
#include "test/unit/support/key_file_sample.h"
#include "test/unit/support/nd_tree.h"

namespace nvunlock {

inline constexpr char kId[] = "8089-a2-1740-00000133";
inline constexpr char kOtherId[] = "8089-a2-1740-00000134";

inline constexpr BlobKind kCurrentBlob = {};
inline constexpr BlobKind kStagedBlob = {PassphraseRole::kUser, BlobStage::kStaged};
inline constexpr BlobKind kReplacedBlob = {PassphraseRole::kUser, BlobStage::kReplaced};
inline constexpr BlobKind kMasterBlob = {PassphraseRole::kMaster, BlobStage::kCurrent};
inline constexpr BlobKind kStagedMasterBlob = {PassphraseRole::kMaster, BlobStage::kStaged};

/// A booted machine without a TPM. Its kek is in the keyring. Its DIMMs are plain files, which take
/// every write and keep the last: what a DIMM makes of it is for tests with a kernel.
class OperationsTest : public testing::Test {
 protected:
  OperationsTest()
      : environment_(EnvironmentBelow(directory_.path())), store_(environment_.keys_dir) {
    environment_.host = "here";
    environment_.keyring = keyring().serial();
    environment_.tpm_device = "/nonexistent/tpm";
    std::filesystem::create_directories(environment_.keys_dir);
    AddKek(kek_name_, kek_);
    WriteKeysFile(kek_name_.ClearFileName(), AsText(kek_.bytes()));
  }

  [[nodiscard]] const Keyring& keyring() const { return test_keyring_.keyring(); }

  void AddKek(const KekName& name, const Secret& kek) const {
    (void)Must(keyring().AddUser(name.description, kek.bytes()));
  }

  /// Leaves the key file of a kek.
  void EnrollKek(const KekName& name, const Secret& kek) const {
    KeyFile file = SampleKeyFile();
    file.kek = name;
    file.check_value = Must(KekCheckValue(kek));
    WriteKeysFile(name.KeyFileName(), Must(FormatKeyFile(file)));
  }

  /// A blob of the machine's kek; no two are the same. Returns its text.
  std::string AddBlob(const std::string& id, BlobKind kind = kCurrentBlob,
                      const std::string& host = "here") const {
    return AddBlobOf(kek_name_, kek_, id, kind, host);
  }

  std::string AddBlobOf(const KekName& kek_name, const Secret& kek, const std::string& id,
                        BlobKind kind = kCurrentBlob, const std::string& host = "here") const {
    std::string text = Must(WrapPassphrase(kek_name, kek, SampleSecret(32, 0x70))).text;
    WriteKeysFile(MakeBlobName(kind, id, host).name, text);
    return text;
  }

  void WriteKeysFile(const std::string& name, std::string_view content) const {
    directory_.Write("etc/ndctl/keys/" + name, content);
  }
  [[nodiscard]] bool HoldsBlob(const std::string& id, BlobKind kind = kCurrentBlob) const {
    return directory_.Holds("etc/ndctl/keys/" + MakeBlobName(kind, id, "here").name);
  }
  [[nodiscard]] std::string ReadBlob(const std::string& id, BlobKind kind = kCurrentBlob) const {
    return directory_.Read("etc/ndctl/keys/" + MakeBlobName(kind, id, "here").name);
  }
  /// All files in the keys directory but the kek in clear.
  [[nodiscard]] size_t CountKeysFiles() const { return directory_.CountIn("etc/ndctl/keys") - 1; }

  [[nodiscard]] bool HoldsKey(const char* type, const std::string& description) const {
    return Must(keyring().Find(type, description)).has_value();
  }

  /// What `security` holds: a state, or what was last written to it.
  [[nodiscard]] std::string Security(const std::string& nmem = "nmem0") const {
    return tree_.ReadAttribute(nmem, "security");
  }

  /// From now on the DIMM answers each write as one does that refuses a passphrase: EINVAL.
  void LetRefuse(const std::string& nmem) const { Replace(nmem, "/proc/self/oom_score_adj"); }

  /// From now on nothing can be had of it: EIO.
  void LetFail(const std::string& nmem) const { Replace(nmem, "/proc/self/mem"); }

  KekName kek_name_ = {"user", "nvdimm-master"};
  Secret kek_ = SampleKek();
  TestKeyring test_keyring_;
  TemporaryDirectory directory_;
  NdTree tree_{directory_};
  Environment environment_;
  KeyStore store_;

 private:
  void Replace(const std::string& nmem, const std::string& target) const {
    std::string security = "sys/devices/ndbus0/" + nmem + "/security";
    std::filesystem::remove(directory_.PathOf(security));
    directory_.Link(security, target);
  }
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_OPERATIONS_TEST_H_
