// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_BOOT_LIMIT_H_
#define NVUNLOCK_TPM_BOOT_LIMIT_H_

#include <tss2/tss2_esys.h>

#include <cstdint>

#include "src/base/result.h"
#include "src/crypto/hash.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// How often a TPM was reset, and how often restarted since: each TPM Reset counts, also that of a
/// power cut. After a hibernation it is restarted. A resume from S3 does not count.
struct BootNumber {
  uint32_t resets = 0;
  uint32_t restarts = 0;
};

/// What two TPM2_PolicyCounterTimer assert: that the number of this boot is greater than that of
/// the boot `after`, and at most that of the boot with `last` resets. A restart after that one,
/// which anybody can bring about who shuts it down, is beyond it.
struct BootLimit {
  BootNumber after;
  uint32_t last = 0;
};

/// The policyDigest DIGEST after them (Part 3, section 23.10), computed without a TPM.
Sha256Digest ExtendDigest(const Sha256Digest& digest, const BootLimit& limit);

/// Runs them in SESSION. Fails with kPolicyMismatch when this boot is none of them.
Result<void> AssertBootLimit(Tpm& tpm, ESYS_TR session, const BootLimit& limit);

/// The number of this boot. Authentic where SESSION is a salted one for audit.
Result<BootNumber> ReadBootNumber(Tpm& tpm, ESYS_TR session);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_BOOT_LIMIT_H_
