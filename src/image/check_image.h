// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_IMAGE_CHECK_IMAGE_H_
#define NVUNLOCK_IMAGE_CHECK_IMAGE_H_

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"

namespace nvunlock {

/// What an initramfs image does with locked DIMMs.
enum class ImageKind {
  kUnlocking,   ///< nvunlock and the guard are in it
  kGuarded,     ///< the guard only, as for kdump
  kUnguarded,   ///< no guard: an old or foreign image
  kUnreadable,  ///< not an image, or damaged, or packed in a way that is not known here
};

struct ImageCheck {
  std::string path;
  ImageKind kind = ImageKind::kUnreadable;

  /// Why it would not unlock this machine or, if it has only the guard, would not hold drivers
  /// back.
  std::vector<std::string> problems;

  /// Blobs and key files in any of its layers that are not those of the keys directory. Whoever
  /// gets hold of the image has them.
  std::vector<std::string> old_keys;
};

/// Whether an image would unlock this machine, whose name is HOST: everything that the unlock needs
/// is in it and the same as here. Fails when the keys directory cannot be read.
Result<ImageCheck> CheckImage(const Environment& environment, const std::string& path);

/// In a few words, for people.
const char* Describe(ImageKind kind);

}  // namespace nvunlock

#endif  // NVUNLOCK_IMAGE_CHECK_IMAGE_H_
