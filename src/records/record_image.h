// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_RECORDS_RECORD_IMAGE_H_
#define NVUNLOCK_RECORDS_RECORD_IMAGE_H_

#include <optional>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/model/image_record.h"

namespace nvunlock {

/// Leaves in the run directory what the keys directory holds at this moment, when this is an
/// initramfs: elsewhere it tells nothing of an image. A record that is there already stays.
Result<void> RecordImage(const Environment& environment);

/// What RecordImage left in this boot; nullopt when it left nothing.
Result<std::optional<ImageRecord>> ReadImageRecord(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_RECORDS_RECORD_IMAGE_H_
