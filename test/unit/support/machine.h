// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_MACHINE_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_MACHINE_H_

#include <string>

#include "src/model/environment.h"
#include "src/model/key_store.h"
#include "src/seal/enroll.h"
#include "test/unit/support/byte_strings.h"
#include "test/unit/support/kernel_keys.h"
#include "test/unit/support/swtpm.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {

inline constexpr char kDimmId[] = "8089-a2-1740-00000133";
inline constexpr char kOtherDimmId[] = "8089-a2-1740-00000134";

/// A machine with directories, a keyring and a TPM of its own. GRUB has booted it: PCRs 7 and 8
/// hold measurements.
class MachineTest : public SwtpmTest {
 protected:
  static void SetUpTestSuite();

  MachineTest();

  /// Makes a blob as ndctl does: a random passphrase for DIMM_ID, wrapped by the kernel under
  /// KEK, which is not left in the keyring. Returns its text.
  std::string AddBlob(const std::string& dimm_id, const Secret& kek,
                      const std::string& kek_description = "nvdimm-master",
                      const std::string& host = "here") const;

  /// What `nvunlock enroll` is asked by default: a new kek, for boots with these PCRs
  /// 7 and 8.
  [[nodiscard]] static EnrollOptions DefaultOptions();

  /// Seals KEK to the TPM as `nvunlock enroll --import` does; only the key file is left.
  void EnrollKek(const Secret& kek, const std::string& description = "nvdimm-master") const;

  [[nodiscard]] std::string KeysPathOf(const std::string& name) const {
    return environment_.keys_dir + "/" + name;
  }
  void WriteKeysFile(const std::string& name, std::string_view content) const {
    directory_.Write("etc/ndctl/keys/" + name, content);
  }
  [[nodiscard]] std::string ReadKeysFile(const std::string& name) const {
    return directory_.Read("etc/ndctl/keys/" + name);
  }

  [[nodiscard]] const Keyring& keyring() const { return test_keyring_.keyring(); }

  /// Whether the machine's keyring holds TYPE:DESCRIPTION.
  [[nodiscard]] bool HoldsKey(const char* type, const std::string& description) const;

  /// The blob of the encrypted key DESCRIPTION in the machine's keyring. The kernel wants the kek
  /// to be at hand for that.
  [[nodiscard]] std::string LoadedBlob(const std::string& description, const Secret& kek) const;

  TestKeyring test_keyring_;
  TemporaryDirectory directory_;
  Environment environment_;
  KeyStore store_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_MACHINE_H_
