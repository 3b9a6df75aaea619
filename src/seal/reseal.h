// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_SEAL_RESEAL_H_
#define NVUNLOCK_SEAL_RESEAL_H_

#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/seal/kek_for_change.h"
#include "src/seal/plan_approval.h"
#include "src/seal/recovery_slots.h"

namespace nvunlock {

struct ResealOptions {
  KekName kek;
  std::optional<PolicyTerms>
      policy;  ///< nullopt: what is approved now; where that is gone, as enroll
  std::optional<Secret> pin;
  RecoveryWays recovery;  ///< slots to add
  Questions questions;
};

struct ResealReport {
  std::string key_file;
  Approval approval;  ///< what may boot
  std::vector<std::string> notes;
};

/// Replaces the TPM slots of a key file by a new one, for the same kek: that in the keyring, or
/// what the TPM or a recovery slot yields. For a PIN that changes, and for another TPM. The old
/// slots are there until the new one has been proved and is on disk; then their NV indexes are
/// removed, so that old copies of the file do not open. Recovery slots stay, and new ones are
/// added. Locks the keys directory.
Result<ResealReport> Reseal(const Environment& environment, const ResealOptions& options);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_RESEAL_H_
