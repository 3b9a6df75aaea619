// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/seal/enroll_ways_test.cc.
#ifndef NVUNLOCK_SEAL_RECOVERY_SLOTS_H_
#define NVUNLOCK_SEAL_RECOVERY_SLOTS_H_

#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/model/key_file.h"

namespace nvunlock {

/// The recovery slots that somebody asks for.
struct RecoveryWays {
  std::optional<Secret> key;         ///< 32 random bytes, for paper
  std::optional<Secret> passphrase;  ///< as it was typed
  std::vector<std::string> escrow;   ///< paths of certificates

  [[nodiscard]] bool IsEmpty() const { return !key && !passphrase && escrow.empty(); }
};

/// One slot for each of WAYS.
Result<std::vector<RecoverySlot>> MakeRecoverySlots(const RecoveryWays& ways, const Secret& kek);

/// Shows that the key and the passphrase of WAYS yield KEK from FILE. Nobody here can show it of an
/// escrow slot.
Result<void> ProveRecoverySlots(const RecoveryWays& ways, const KeyFile& file, const Secret& kek);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_RECOVERY_SLOTS_H_
