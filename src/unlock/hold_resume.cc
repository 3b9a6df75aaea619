// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/hold_resume.h"

#include "src/os/file.h"
#include "src/os/mounts.h"

namespace nvunlock {

Result<bool> HoldResume(const Environment& environment) {
  if (!Exists(environment.image_facts)) return false;
  for (const std::string& path : environment.resume_files) {
    if (Exists(path)) TRY_IN("a hibernated system may be resumed", CoverWithNull(path));
  }
  return true;
}

bool KernelResumesByItself(const Environment& environment) {
  if (!Exists(environment.image_facts)) return false;
  Result<std::string> device = ReadAttribute(environment.sysfs_root + "/power/resume");
  return device && !device->empty() && *device != "0:0";
}

}  // namespace nvunlock
