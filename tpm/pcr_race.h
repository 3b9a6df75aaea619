// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/tpm/readiness_test.cc.
#ifndef NVUNLOCK_TPM_PCR_RACE_H_
#define NVUNLOCK_TPM_PCR_RACE_H_

#include <functional>

#include "src/base/result.h"

namespace nvunlock {

/// Runs ATTEMPT, which asserts a policy in a session of its own, again as long as it fails with
/// kPcrsChanging, but not for ever. IMA and systemd extend PCRs at any moment, and whichever PCR
/// it is, the TPM takes back what it has asserted so far.
Result<void> OutrunPcrChanges(const std::function<Result<void>()>& attempt);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_PCR_RACE_H_
