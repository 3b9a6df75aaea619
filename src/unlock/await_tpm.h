// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/tpm_failures.bats.
#ifndef NVUNLOCK_UNLOCK_AWAIT_TPM_H_
#define NVUNLOCK_UNLOCK_AWAIT_TPM_H_

#include "src/base/result.h"
#include "src/model/config.h"
#include "src/model/environment.h"

namespace nvunlock {

/// Waits for the TPM that the firmware describes, and loads its driver, unless a device is named.
/// Without this a latch would be taken for one that no TPM holds open. Fails with kTpmNotReady.
Result<void> AwaitTpm(const Environment& environment, const Config& config);

}  // namespace nvunlock

#endif  // NVUNLOCK_UNLOCK_AWAIT_TPM_H_
