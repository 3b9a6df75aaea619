// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/passphrase/sanitize_test.cc.
#ifndef NVUNLOCK_PASSPHRASE_FORGET_PASSPHRASE_H_
#define NVUNLOCK_PASSPHRASE_FORGET_PASSPHRASE_H_

#include <string>

#include "src/base/result.h"
#include "src/passphrase/dimm_passphrase.h"

namespace nvunlock {

/// Takes blobs, their lines of the record, and keys of the user passphrase of NMEM away where it
/// has none any more; true when there were any blobs. The caller holds the directory's lock.
Result<bool> ForgetLostPassphrase(const PassphrasePlace& place, const std::string& nmem);

}  // namespace nvunlock

#endif  // NVUNLOCK_PASSPHRASE_FORGET_PASSPHRASE_H_
