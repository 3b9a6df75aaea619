#ifndef NVUNLOCK_PROCEDURES_DROP_KEYS_H_
#define NVUNLOCK_PROCEDURES_DROP_KEYS_H_

#include "src/base/result.h"
#include "src/base/unique_fd.h"
#include "src/model/environment.h"

namespace nvunlock {

/// Keeps DropKeys waiting, and other unlocks. For a DIMM whose key vanishes before it is bound the
/// kernel would send zeros. Gives up after 30 seconds, for an unlock may hang in a driver.
Result<UniqueFd> HoldKeys(const Environment& environment);

/// Takes every DIMM key, and every kek that has a key file, out of the user keyring, whoever put
/// it there. Keys of others stay. Waits for an unlock that runs, and leaves them when that does not
/// end.
Result<void> DropKeys(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_PROCEDURES_DROP_KEYS_H_
