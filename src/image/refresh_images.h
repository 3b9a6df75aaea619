// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_IMAGE_REFRESH_IMAGES_H_
#define NVUNLOCK_IMAGE_REFRESH_IMAGES_H_

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"

namespace nvunlock {

struct ImageOptions {
  bool with_passphrase_slots = false;  ///< Config::recovery_passphrase_in_initramfs
  std::string rebuild_command;         ///< Config::rebuild_images; empty: images are patched
};

/// Brings every image that unlocks this machine up to what the keys directory holds, and checks
/// each (CheckImage). Returns their paths. Fails with kImageOutdated when there is none, or one
/// would not unlock. Images that are up to date are not touched. Those in which somebody else's
/// keys lie are not told apart from ours: all are taken for this machine's. Locks the run
/// directory. May send a DIMM that is not frozen the passphrase of its blob (TryForLastCopy).
Result<std::vector<std::string>> TryAndRefreshImages(const Environment& environment,
                                                     const ImageOptions& options);

}  // namespace nvunlock

#endif  // NVUNLOCK_IMAGE_REFRESH_IMAGES_H_
