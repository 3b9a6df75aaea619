// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/status/inspect_test.cc.
#ifndef NVUNLOCK_STATUS_VERDICT_H_
#define NVUNLOCK_STATUS_VERDICT_H_

#include <optional>
#include <string>
#include <vector>

#include "src/status/status.h"

namespace nvunlock {

/// Whether the next boot will unlock.
struct BootVerdict {
  std::vector<Error> problems;       ///< why it will not
  std::vector<std::string> remarks;  ///< what does not keep it from that
  bool pin = false;                  ///< somebody has to type a PIN

  /// The Errc that `unlock` would end with; nullopt when it will unlock.
  [[nodiscard]] std::optional<Errc> Verdict() const;
};

/// Judges by FINDINGS alone. One TPM slot that opens is enough for a kek, and a kek that no blob
/// names does not matter.
BootVerdict Judge(const MachineStatus& status);

}  // namespace nvunlock

#endif  // NVUNLOCK_STATUS_VERDICT_H_
