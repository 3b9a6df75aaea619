// SPDX-License-Identifier: Apache-2.0
#include "tpm/pcr_race.h"

#include <string>

namespace nvunlock {

Result<void> OutrunPcrChanges(const std::function<Result<void>()>& attempt) {
  constexpr int kAttempts = 30;  // as systemd, which has met this in the field
  for (int i = 0; i < kAttempts; i++) {
    Result<void> result = attempt();
    if (result || result.error().code != Errc::kPcrsChanging) return result;
  }
  return Fail(Errc::kPcrsChanging, "somebody extended a PCR in the middle of each of " +
                                       std::to_string(kAttempts) + " tries");
}

}  // namespace nvunlock
