// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_STATUS_INSPECT_H_
#define NVUNLOCK_STATUS_INSPECT_H_

#include <string>

#include "src/model/config.h"
#include "src/model/environment.h"
#include "src/status/status.h"

namespace nvunlock {

struct InspectOptions {
  Config config;             ///< as images are built with
  bool with_images = false;  ///< list all images, which takes seconds
};

/// Looks at all that the next unlock depends on. Never unseals, and changes neither TPM nor keyring
/// nor disk.
MachineStatus Inspect(const Environment& environment, const InspectOptions& options);

}  // namespace nvunlock

#endif  // NVUNLOCK_STATUS_INSPECT_H_
