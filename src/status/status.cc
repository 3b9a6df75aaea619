// SPDX-License-Identifier: Apache-2.0
#include "src/status/status.h"

#include <algorithm>

namespace nvunlock {

const Error* FirstProblem(const std::vector<Check>& checks) {
  auto found = std::find_if(checks.begin(), checks.end(),
                            [](const Check& check) { return check.problem.has_value(); });
  return found == checks.end() ? nullptr : &*found->problem;
}

}  // namespace nvunlock
