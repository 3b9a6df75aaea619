// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_MODEL_KEK_NAME_H_
#define NVUNLOCK_MODEL_KEK_NAME_H_

#include <string>
#include <string_view>

#include "src/base/result.h"
#include "src/model/blob_name.h"

namespace nvunlock {

/// The kernel's name of a key-encryption key, such as user:nvdimm-master.
struct KekName {
  std::string type;         ///< "user" or "trusted"
  std::string description;  ///< usable as a file name

  [[nodiscard]] std::string ToString() const { return type + ":" + description; }

  /// The file that holds it sealed, and ndctl's file that holds it in clear.
  [[nodiscard]] std::string KeyFileName() const { return description + ".pem"; }
  [[nodiscard]] std::string ClearFileName() const { return description + std::string(kBlobSuffix); }

  bool operator==(const KekName&) const = default;
};

/// TYPE:DESCRIPTION; the description may hold what a file name may, but no white space.
Result<KekName> ParseKekName(std::string_view text);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_KEK_NAME_H_
