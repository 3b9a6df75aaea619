// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/operation_keks.bats.
#ifndef NVUNLOCK_PASSPHRASE_REVOKE_KEK_H_
#define NVUNLOCK_PASSPHRASE_REVOKE_KEK_H_

#include <optional>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/passphrase/dimm_result.h"
#include "src/passphrase/rotate_kek.h"

namespace nvunlock {

/// What a revocation has done.
struct RevokeReport {
  DimmReport dimms;              ///< whose user passphrases were to be changed
  bool is_revoked = false;       ///< all were, and the old key file is put aside
  std::optional<Error> problem;  ///< why the key file is not
  bool leaves_masters = false;   ///< master passphrases are as they were
};

/// Makes what OPTIONS.from wraps worth nothing, after RotateKek: sends each DIMM of which there is
/// a blob another user passphrase, under OPTIONS.to, and then retires the key file. Fails before a
/// DIMM is changed when one of them is not in this machine: its old passphrase would stay in force.
/// Master passphrases stay, since they can be changed only while a DIMM has no other.
Result<RevokeReport> RevokeKek(const Environment& environment, const RotateOptions& options);

}  // namespace nvunlock

#endif  // NVUNLOCK_PASSPHRASE_REVOKE_KEK_H_
