#ifndef NVUNLOCK_PROCEDURES_UNLOCKED_WITH_H_
#define NVUNLOCK_PROCEDURES_UNLOCKED_WITH_H_

#include <map>
#include <string>

#include "src/base/result.h"
#include "src/model/environment.h"

namespace nvunlock {

/// The blob whose passphrase a DIMM took in this boot.
struct UnlockedBlob {
  std::string hash;     ///< HashOfBlob
  bool frozen = false;  ///< the DIMM was frozen at once, so that it still has this passphrase
};

/// By canonical DIMM id.
using UnlockedWith = std::map<std::string, UnlockedBlob>;

/// Leaves it in the run directory, for `settle` and for who changes passphrases.
Result<void> WriteUnlockedWith(const Environment& environment, const UnlockedWith& blobs);

/// Empty when `unlock` has left nothing, or nothing that can be read.
UnlockedWith ReadUnlockedWith(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_PROCEDURES_UNLOCKED_WITH_H_
