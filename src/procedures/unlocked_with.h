#ifndef NVUNLOCK_PROCEDURES_UNLOCKED_WITH_H_
#define NVUNLOCK_PROCEDURES_UNLOCKED_WITH_H_

#include <map>
#include <string>

#include "src/base/result.h"
#include "src/model/environment.h"

namespace nvunlock {

/// Canonical DIMM id to HashOfBlob of the blob whose passphrase the DIMM took in this boot.
using UnlockedWith = std::map<std::string, std::string>;

/// Leaves it in the run directory, for `settle` and for who changes passphrases.
Result<void> WriteUnlockedWith(const Environment& environment, const UnlockedWith& blobs);

/// Empty when `unlock` has left nothing, or nothing that can be read.
UnlockedWith ReadUnlockedWith(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_PROCEDURES_UNLOCKED_WITH_H_
