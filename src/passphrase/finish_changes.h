// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_PASSPHRASE_FINISH_CHANGES_H_
#define NVUNLOCK_PASSPHRASE_FINISH_CHANGES_H_

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/passphrase/change_passphrase.h"

namespace nvunlock {

/// Ends changes of passphrases that a power cut has cut short, as far as this boot's unlock has
/// shown which passphrase a DIMM has: that one becomes current, and the images hold it where the
/// one of this boot did not. A DIMM that unlock has not frozen may have been changed since, and is
/// left to the next change. What unlocked a DIMM is recorded for it, and the images get to know.
/// Nothing is needed of keks or the TPM. Returns what was done, for people. Locks the keys
/// directory and sends no DIMM anything.
Result<std::vector<std::string>> FinishChanges(const Environment& environment,
                                               const ImageRefresh& refresh_images);

}  // namespace nvunlock

#endif  // NVUNLOCK_PASSPHRASE_FINISH_CHANGES_H_
