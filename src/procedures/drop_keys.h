#ifndef NVUNLOCK_PROCEDURES_DROP_KEYS_H_
#define NVUNLOCK_PROCEDURES_DROP_KEYS_H_

#include "src/base/result.h"
#include "src/model/environment.h"

namespace nvunlock {

/// Takes every DIMM key, and every kek that has a key file, out of the user keyring, whoever put
/// it there. Keys of others stay.
Result<void> DropKeys(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_PROCEDURES_DROP_KEYS_H_
