// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_SEAL_ENROLL_H_
#define NVUNLOCK_SEAL_ENROLL_H_

#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/model/kek_name.h"
#include "src/seal/recovery_slots.h"
#include "src/seal/tpm_slot.h"

namespace nvunlock {

struct EnrollOptions {
  KekName kek;
  bool import_clear_kek = false;  ///< seal ndctl's kek in clear instead of a new one
  PolicyTerms policy;
  std::optional<Secret> pin;
  RecoveryWays recovery;
};

struct EnrollReport {
  std::string key_file;    ///< path of what was written
  std::string clear_file;  ///< path of ndctl's kek in clear; empty when it is not there
  Approval approval;       ///< what may boot
  std::vector<std::string> notes;
  std::vector<std::string> unopened;  ///< blobs that the kek was not seen to open
};

/// Makes a kek, or takes ndctl's, seals it to this machine's TPM, proves that it opens when it
/// should and not otherwise, and only then writes the key file and puts the kek into the keyring.
/// Never overwrites a key file or a kek, and refuses a kek that existing blobs do not open with.
/// The blobs that unlock would use now are recorded. Locks the keys directory.
Result<EnrollReport> Enroll(const Environment& environment, const EnrollOptions& options);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_ENROLL_H_
