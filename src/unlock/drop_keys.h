// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_UNLOCK_DROP_KEYS_H_
#define NVUNLOCK_UNLOCK_DROP_KEYS_H_

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/os/directory_lock.h"

namespace nvunlock {

/// Keeps DropKeys from DIMM keys, and other unlocks waiting. For a DIMM whose key vanishes before
/// it is bound the kernel would send zeros. Gives up after 30 seconds, for an unlock may hang in a
/// driver.
Result<DirectoryLock> HoldKeys(const Environment& environment);

/// Takes every kek that has a key file, and every DIMM key, out of the user keyring, whoever put it
/// there. Keys of others stay. Keks go at once, since no DIMM needs them. DIMM keys wait for an
/// unlock that runs, and stay when that does not end. Whatever fails, the rest is done.
Result<void> DropKeys(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_UNLOCK_DROP_KEYS_H_
