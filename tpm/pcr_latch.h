// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_PCR_LATCH_H_
#define NVUNLOCK_TPM_PCR_LATCH_H_

#include "src/base/result.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// Extends PCR in every active bank where it is still zero, and sees that it is not zero any more:
/// a policy that wants it at zero then holds no longer, until the next TPM Reset. What is seen is
/// authenticated by a session salted to PARENT, so that nothing on the bus can pretend it. Where
/// that fails the PCR is extended all the same, and the failure returned.
Result<void> ClosePcrLatch(Tpm& tpm, ESYS_TR parent, unsigned pcr);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_PCR_LATCH_H_
