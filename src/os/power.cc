// SPDX-License-Identifier: Apache-2.0
#include "src/os/power.h"

#include <sys/reboot.h>
#include <unistd.h>

namespace nvunlock {

void PowerOffAfter(unsigned seconds) {
  sleep(seconds);
  sync();
  reboot(RB_POWER_OFF);
}

}  // namespace nvunlock
