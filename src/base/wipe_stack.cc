// SPDX-License-Identifier: Apache-2.0
#include "src/base/wipe_stack.h"

#include <cstring>

namespace nvunlock {

[[gnu::noinline]] void WipeStack() {
  // More than any library function here uses: twice the deepest that was seen.
  char below[128 << 10];
  explicit_bzero(below, sizeof(below));
}

}  // namespace nvunlock
