// SPDX-License-Identifier: Apache-2.0
#include "src/base/result.h"

#include <cstring>

namespace nvunlock {

Failure FailErrno(std::string_view action, int error_number) {
  return Fail(std::string(action) + ": " + strerror(error_number));
}

}  // namespace nvunlock
