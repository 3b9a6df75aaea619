#ifndef NVUNLOCK_PROCEDURES_INSPECT_IMAGES_H_
#define NVUNLOCK_PROCEDURES_INSPECT_IMAGES_H_

#include <string>
#include <vector>

#include "src/model/environment.h"
#include "src/procedures/findings.h"

namespace nvunlock {

/// What each initramfs image and UKI in the boot directories would do with locked DIMMs.
std::vector<ImageFindings> InspectImages(const Environment& environment);

const char* Describe(ImageKind kind);

}  // namespace nvunlock

#endif  // NVUNLOCK_PROCEDURES_INSPECT_IMAGES_H_
