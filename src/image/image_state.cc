// SPDX-License-Identifier: Apache-2.0
#include "src/image/image_state.h"

#include "src/os/file.h"

namespace nvunlock {

const char* Describe(ImageState state) {
  switch (state) {
    case ImageState::kSame:
      return "in the image of this boot";
    case ImageState::kRebuilt:
      return "not in the image of this boot, but a newer image exists";
    case ImageState::kOutdated:
      return "not in the image of this boot, and no image is newer: rebuild it";
    case ImageState::kUnknown:
      break;
  }
  return "unknown: this boot's image left no record of its files";
}

ImageState StateInImage(const ImageSources& images, const KeyStore& store, const std::string& name,
                        const std::string& hash) {
  if (!images.booted) return ImageState::kUnknown;
  auto booted = images.booted->hashes.find(name);
  if (booted != images.booted->hashes.end() && booted->second == hash) return ImageState::kSame;
  Result<int64_t> changed = ModificationTime(store.PathOf(name));
  bool is_rebuilt = changed && images.newest_time && *images.newest_time >= *changed;
  return is_rebuilt ? ImageState::kRebuilt : ImageState::kOutdated;
}

}  // namespace nvunlock
