// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_UNLOCK_THIS_BOOT_H_
#define NVUNLOCK_UNLOCK_THIS_BOOT_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/config.h"
#include "src/model/environment.h"
#include "src/seal/unseal.h"
#include "src/unlock/unlock.h"

namespace nvunlock {

/// Who answers questions in a boot.
struct BootQuestions {
  PinQuestion ask_pin;
  RecoveryQuestion ask_recovery;
};

struct BootOptions {
  bool heed_command_line = false;  ///< nvunlock.* of the kernel
  std::string tpm_device;          ///< in place of the configuration's, unless empty
  std::function<BootQuestions(const Config& config)> questions;
  std::function<void(const std::string& line)> warn;  ///< at once, since a boot can hang later
};

/// What came of a boot's unlock.
struct BootOutcome {
  std::optional<UnlockReport> report;  ///< nullopt: no DIMM was to be unlocked
  std::vector<Error> problems;         ///< then: with latches that may be open
  bool is_failure = false;             ///< DIMMs are locked, and the guard holds
  OnFailure on_failure = OnFailure::kHold;
};

/// The unlock of this boot, from reading the configuration to the guard: unlocks all DIMMs of an
/// enrolled machine, sending each its own passphrase once; only closes the latches where there are
/// no DIMMs or nvunlock=off; opens the guard of a machine that is not enrolled. After a failure the
/// guard holds, and no hibernated system is resumed.
BootOutcome UnlockThisBoot(Environment environment, const BootOptions& options);

}  // namespace nvunlock

#endif  // NVUNLOCK_UNLOCK_THIS_BOOT_H_
