// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/await_tpm.h"

#include "src/os/tpm_device.h"
#include "src/os/work_limit.h"

namespace nvunlock {

Result<void> AwaitTpm(const Environment& environment, const Config& config) {
  if (environment.tpm_device != "auto") return {};
  WorkPause pause;
  return AwaitTpmDevice(
      {.sysfs_root = environment.sysfs_root, .modules_dir = environment.modules_dir},
      config.tpm_timeout);
}

}  // namespace nvunlock
