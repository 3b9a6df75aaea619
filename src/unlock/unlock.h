// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_UNLOCK_UNLOCK_H_
#define NVUNLOCK_UNLOCK_UNLOCK_H_

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/config.h"
#include "src/model/dimm.h"
#include "src/model/environment.h"
#include "src/unlock/bind_dimm.h"
#include "src/unlock/load_keys.h"

namespace nvunlock {

/// The code that says most of several failures: that of the one that lies deepest. nullopt when
/// there is none.
std::optional<Errc> Deepest(const std::set<Errc>& codes);

/// What `unlock` did, for people and for status.json. Nothing in it is secret.
struct UnlockReport {
  std::vector<DimmOutcome> dimms;
  std::vector<Error> problems;  ///< that are not one DIMM's
  std::vector<std::string> notes;

  /// The Errc to exit with: of the problem that lies deepest; nullopt when all is well.
  [[nodiscard]] std::optional<Errc> Verdict() const;
};

struct UnlockOptions {
  Config config;
  RecoveryQuestion ask_recovery;
  PinQuestion ask_pin;
};

/// Keys in, latches closed, drivers loaded, DIMMs bound one by one, verified and frozen, keys out:
/// doc/unlock.md has the order and its reasons. No DIMM is ever bound when the kernel could send it
/// a passphrase that is not its own. Goes on as far as it safely can after any failure.
UnlockReport Unlock(const Environment& environment, const UnlockOptions& options);

}  // namespace nvunlock

#endif  // NVUNLOCK_UNLOCK_UNLOCK_H_
