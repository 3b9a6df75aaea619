// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_SEAL_BOOT_RESEAL_H_
#define NVUNLOCK_SEAL_BOOT_RESEAL_H_

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/model/key_file.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// Whether sealing FILE's kek anew, in the initramfs in which a recovery slot opened it, would mend
/// WHY the TPM did not: PCR values that differ, another TPM, or a latch that is gone. Not where a
/// PIN would be needed.
bool CanResealAtBoot(const KeyFile& file, const Error& why);

/// Seals KEK anew, as FILE's first TPM slot was but to the PCR values of now, while the latch is
/// open. An initramfs forgets its keys directory: the key file waits in the run directory until
/// AdoptResealed. Returns notes for people.
Result<std::vector<std::string>> ResealAtBoot(const Environment& environment, Tpm& tpm,
                                              KeyFile file, const Secret& kek);

/// The keys directory in which key files wait. Their latches may be new ones, and must be closed in
/// this boot as well.
std::string WaitingPlace(const Environment& environment);

struct Adoption {
  std::string key_file;  ///< path of what was written
  std::string policy;    ///< see DescribePolicy
};

/// Replaces the TPM slots of key files in the keys directory by those that ResealAtBoot made in
/// this boot, and forgets these. The recovery slots stay. A key file of another kek is refused.
/// Locks the keys directory.
Result<std::vector<Adoption>> AdoptResealed(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_BOOT_RESEAL_H_
