#ifndef NVUNLOCK_PROCEDURES_DROP_KEYS_H_
#define NVUNLOCK_PROCEDURES_DROP_KEYS_H_

#include "src/base/result.h"
#include "src/base/unique_fd.h"
#include "src/model/environment.h"

namespace nvunlock {

/// Keeps DropKeys waiting, and other unlocks. For a DIMM whose key vanishes before it is bound the
/// kernel would send zeros.
Result<UniqueFd> HoldKeys(const Environment& environment);

/// Takes every DIMM key, and every kek that has a key file, out of the user keyring, whoever put
/// it there. Keys of others stay. Waits for an unlock that runs.
Result<void> DropKeys(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_PROCEDURES_DROP_KEYS_H_
