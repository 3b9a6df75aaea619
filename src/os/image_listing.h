#ifndef NVUNLOCK_OS_IMAGE_LISTING_H_
#define NVUNLOCK_OS_IMAGE_LISTING_H_

#include <string>
#include <vector>

#include "src/base/result.h"

namespace nvunlock {

/// What an initramfs image or UKI holds, as the first of TOOLS that exists and can read it lists it
/// (lsinitrd, lsinitramfs, lsinitcpio): text with a path in each line. Fails when none can.
Result<std::string> ListImage(const std::vector<std::string>& tools, const std::string& image);

}  // namespace nvunlock

#endif  // NVUNLOCK_OS_IMAGE_LISTING_H_
