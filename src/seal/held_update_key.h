// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_SEAL_HELD_UPDATE_KEY_H_
#define NVUNLOCK_SEAL_HELD_UPDATE_KEY_H_

#include <optional>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/model/key_file.h"
#include "tpm/update_key.h"

namespace nvunlock {

/// Leaves the update key of FILE, which KEK opens, in the keyring for the root of this boot. No
/// other user reads it there, it is on no disk, and it ends with the boot.
Result<void> HoldUpdateKey(const Environment& environment, const KeyFile& file, const Secret& kek);

/// What HoldUpdateKey left for KEK; nullopt when there is none.
Result<std::optional<UpdateKey>> FindHeldUpdateKey(const Environment& environment,
                                                   const KekName& kek);

/// Takes all of them out of the keyring.
Result<void> DropUpdateKeys(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_HELD_UPDATE_KEY_H_
