// SPDX-License-Identifier: Apache-2.0
// A control: stands in for src/os/process.cc in build/nvunlock-unprotected.
#include "src/os/process.h"

#include <unistd.h>

namespace nvunlock {

void ProtectProcess() {}

std::string HostName() {
  char name[256] = "";
  gethostname(name, sizeof(name) - 1);
  return name;
}

}  // namespace nvunlock
