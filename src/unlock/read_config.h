// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/unlock/this_boot_test.cc, test/cli/unlock_config.bats.
#ifndef NVUNLOCK_UNLOCK_READ_CONFIG_H_
#define NVUNLOCK_UNLOCK_READ_CONFIG_H_

#include "src/model/config.h"
#include "src/model/environment.h"

namespace nvunlock {

/// nvunlock.conf. Without the file the defaults hold, and with a bad one as well; complaints name
/// the file.
ParsedConfig ReadConfig(const Environment& environment);

/// ReadConfig, and over it what the kernel command line wants for this boot.
ParsedConfig ReadBootConfig(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_UNLOCK_READ_CONFIG_H_
