// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_SEAL_LATCH_H_
#define NVUNLOCK_SEAL_LATCH_H_

#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "tpm/connection.h"

namespace nvunlock {

/// Closes the latch of every TPM slot in every key file of the keys directory, whether or not it
/// was used. Returns what was not seen to be closed, in an
/// answer that is authentic, and why. An answer that is lost or spoilt is asked for three times in
/// all, each time over a new connection, but not after ten seconds.
std::vector<Error> CloseLatches(const Environment& environment, TpmConnection& tpm);

/// CloseLatches for `unlock`, which also runs on machines that have no TPM: none that is missing
/// holds anything open where the firmware describes none and none was seen in this boot.
std::vector<Error> CloseLatchesAtBoot(const Environment& environment, TpmConnection& tpm);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_LATCH_H_
