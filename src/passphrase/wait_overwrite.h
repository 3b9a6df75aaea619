// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/passphrase/sanitize_test.cc.
#ifndef NVUNLOCK_PASSPHRASE_WAIT_OVERWRITE_H_
#define NVUNLOCK_PASSPHRASE_WAIT_OVERWRITE_H_

#include <functional>
#include <string>
#include <vector>

#include "src/model/environment.h"
#include "src/passphrase/dimm_result.h"

namespace nvunlock {

struct WaitOptions {
  unsigned timeout_seconds = 0;  ///< for all DIMMs together; 0: waits for ever
  std::function<void(const std::string& nmem, unsigned seconds)> on_waiting;  ///< each second
  std::function<void(const std::string& nmem, const Dimm& after)> on_end;
};

/// Waits until the overwrites of the DIMMs NMEMS have ended. Fails with kOverwriting where one has
/// not within the time. Blobs and keys of a DIMM that has no passphrase afterwards go. Whether the
/// media were overwritten as they should the kernel does not say (drivers/nvdimm/security.c). Locks
/// the keys directory while it removes blobs.
DimmReport WaitForOverwrites(const Environment& environment, const std::vector<std::string>& nmems,
                             const WaitOptions& options);

}  // namespace nvunlock

#endif  // NVUNLOCK_PASSPHRASE_WAIT_OVERWRITE_H_
