// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/image_files.bats.
#ifndef NVUNLOCK_IMAGE_IMAGE_CONTENTS_H_
#define NVUNLOCK_IMAGE_IMAGE_CONTENTS_H_

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/config.h"
#include "src/model/environment.h"

namespace nvunlock {

/// A file in an image, for root only.
struct ImageFile {
  std::string path;  ///< below the image's root, without a slash at its start
  std::string content;

  bool operator==(const ImageFile&) const = default;
};

/// Where blobs and key files, what an image says of itself, and nvunlock are in it.
inline constexpr char kImageKeysDir[] = "etc/ndctl/keys";
inline constexpr char kImageFactsFile[] = "etc/nvunlock/image";
inline constexpr char kImageProgram[] = "usr/bin/nvunlock";

/// What changes in an image when keys do: what it says of itself, key files as they go into images,
/// and blobs that may open a DIMM, staged and replaced ones as well.
Result<std::vector<ImageFile>> KeysForImage(const Environment& environment,
                                            bool with_passphrase_slots);

struct ImageFilesOptions {
  std::string tree;                    ///< root of the initramfs that is being built
  std::vector<std::string> more;       ///< what else goes into it: files and directories
  bool with_passphrase_slots = false;  ///< Config::recovery_passphrase_in_initramfs
  bool guard_only = false;             ///< the image shall never unlock: a kdump image
};

/// Puts into the tree what nvunlock needs of this machine: key files, blobs, nvunlock.conf, what
/// the image is to know of itself, all for root only, and the guard. On a machine where nothing is
/// enrolled the guard is an empty file, which takes one that was copied from the host out of force.
/// Fails when a kek in clear is in the tree or would get into it.
Result<void> WriteImageFiles(const Environment& environment, const ImageFilesOptions& options);

}  // namespace nvunlock

#endif  // NVUNLOCK_IMAGE_IMAGE_CONTENTS_H_
