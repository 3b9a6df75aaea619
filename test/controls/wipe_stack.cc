// SPDX-License-Identifier: Apache-2.0
// A control: stands in for src/base/wipe_stack.cc in build/nvunlock-unprotected.
#include "src/base/wipe_stack.h"

namespace nvunlock {

void WipeStack() {}

}  // namespace nvunlock
