// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/image/check_image_test.cc.
#ifndef NVUNLOCK_IMAGE_REQUIRED_KEYS_H_
#define NVUNLOCK_IMAGE_REQUIRED_KEYS_H_

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "src/base/result.h"
#include "src/model/key_store.h"

namespace nvunlock {

/// What of the keys directory an image must hold to unlock.
struct MachineKeys {
  std::map<std::string, std::string> blobs;  ///< text of each that may open a DIMM, by file name
  std::set<std::string> needed;              ///< names of the key files whose keks these blobs name
  std::map<std::string, std::set<std::string>> hashes;  ///< by name of a key file: HashOfKeyFile
  std::vector<std::string> problems;                    ///< with files of the keys directory
  bool has_rivals = false;  ///< a DIMM has several blobs, so that the host's name decides

  /// Whether TEXT is that of the key file NAME, with slots of passphrases or without.
  [[nodiscard]] bool IsKeyFile(const std::string& name, std::string_view text) const;
};

Result<MachineKeys> ReadMachineKeys(const KeyStore& store);

}  // namespace nvunlock

#endif  // NVUNLOCK_IMAGE_REQUIRED_KEYS_H_
