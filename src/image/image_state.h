// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/records/record_image_test.cc.
#ifndef NVUNLOCK_IMAGE_IMAGE_STATE_H_
#define NVUNLOCK_IMAGE_IMAGE_STATE_H_

#include <optional>
#include <string>

#include "src/model/image_record.h"
#include "src/model/key_store.h"

namespace nvunlock {

/// Whether the image that the next boot takes holds a file of the keys directory as it is now.
enum class ImageState {
  kUnknown,   ///< `unlock` did not run in an initramfs in this boot
  kSame,      ///< the image of this boot does
  kRebuilt,   ///< that one does not, but an image has been written since
  kOutdated,  ///< that one does not, and no image is newer than the file
};

const char* Describe(ImageState state);

/// What is known of images.
struct ImageSources {
  std::optional<ImageRecord> booted;
  std::optional<int64_t> newest_time;  ///< of the images in the boot directories
};

/// The state of the file NAME of STORE, whose hash is HASH.
ImageState StateInImage(const ImageSources& images, const KeyStore& store, const std::string& name,
                        const std::string& hash);

}  // namespace nvunlock

#endif  // NVUNLOCK_IMAGE_IMAGE_STATE_H_
