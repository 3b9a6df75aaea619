// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_IMAGE_STALE_KEYS_H_
#define NVUNLOCK_IMAGE_STALE_KEYS_H_

#include <string>
#include <vector>

#include "src/model/environment.h"

namespace nvunlock {

/// A line for each image in the boot directories that holds blobs or key files that the keys
/// directory does not have any more: with an old kek they give old passphrases.
std::vector<std::string> FindOldKeys(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_IMAGE_STALE_KEYS_H_
