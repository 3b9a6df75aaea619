// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_IMAGE_FIND_IMAGES_H_
#define NVUNLOCK_IMAGE_FIND_IMAGES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"

namespace nvunlock {

/// Paths of the initramfs images and UKIs in the boot directories.
std::vector<std::string> ImagesIn(const Environment& environment);

/// The newest modification time of an image in the boot directories; nullopt when there is none.
std::optional<int64_t> NewestImageTime(const Environment& environment);

/// Fails when a file system that fstab(5) has in a boot directory is not
/// mounted: what lies there then is not what boots.
Result<void> CheckBootIsMounted(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_IMAGE_FIND_IMAGES_H_
