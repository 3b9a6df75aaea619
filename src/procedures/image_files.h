#ifndef NVUNLOCK_PROCEDURES_IMAGE_FILES_H_
#define NVUNLOCK_PROCEDURES_IMAGE_FILES_H_

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/config.h"
#include "src/model/environment.h"

namespace nvunlock {

struct ImageFilesOptions {
  std::string tree;                    ///< root of the initramfs that is being built
  std::vector<std::string> more;       ///< what else goes into it: files and directories
  std::string host;                    ///< the machine's name
  bool with_passphrase_slots = false;  ///< Config::recovery_passphrase_in_initramfs
  bool guard_only = false;             ///< the image shall never unlock: a kdump image
};

/// Puts into the tree what nvunlock needs of this machine: key files, blobs, nvunlock.conf, what
/// the image is to know of itself, all for root only, and the guard. On a machine where nothing is
/// enrolled the guard is an empty file, which takes one that was copied from the host out of force.
/// Fails when a kek in clear is in the tree or would get into it.
Result<void> WriteImageFiles(const Environment& environment, const ImageFilesOptions& options);

}  // namespace nvunlock

#endif  // NVUNLOCK_PROCEDURES_IMAGE_FILES_H_
