// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_PASSPHRASE_ROLLBACK_CHECK_H_
#define NVUNLOCK_PASSPHRASE_ROLLBACK_CHECK_H_

#include <string>

#include "src/base/result.h"
#include "src/model/environment.h"

namespace nvunlock {

/// Fails where an image may hold the last copy of a passphrase, since the keys directory is an
/// older one: a DIMM was unlocked in this boot with a blob that is not there. One that is not
/// frozen may have got another passphrase since, and is asked whether it takes that of HOST's
/// blob, for which the kek must be in the keyring. A refusal is a try used up.
Result<void> TryForLastCopy(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_PASSPHRASE_ROLLBACK_CHECK_H_
