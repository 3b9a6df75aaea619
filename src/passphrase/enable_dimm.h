// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_PASSPHRASE_ENABLE_DIMM_H_
#define NVUNLOCK_PASSPHRASE_ENABLE_DIMM_H_

#include <string>
#include <vector>

#include "src/model/environment.h"
#include "src/passphrase/dimm_result.h"

namespace nvunlock {

struct EnableOptions {
  bool dry_run = false;
  StepListener on_step;
};

/// Binds the DIMMs NMEMS to their driver, which unlocks them with the keys of their blobs; the keks
/// must be in the keyring. A locked DIMM without its key is left alone: the kernel would send it
/// zeros, which uses up a try. One DIMM's failure does not stop the others.
DimmReport EnableDimms(const Environment& environment, const std::vector<std::string>& nmems,
                       const EnableOptions& options);

/// Takes the DIMMs from their driver. One that a region uses stays.
DimmReport DisableDimms(const Environment& environment, const std::vector<std::string>& nmems,
                        const EnableOptions& options);

}  // namespace nvunlock

#endif  // NVUNLOCK_PASSPHRASE_ENABLE_DIMM_H_
