// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_LOCKOUT_H_
#define NVUNLOCK_TPM_LOCKOUT_H_

#include <string>

#include "src/base/result.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// How the TPM's protection from dictionary attacks stands (Part 1, section 19.8).
struct LockoutState {
  unsigned tries_left = 0;         ///< wrong authorizations until lockout; 0: in lockout
  unsigned seconds_for_a_try = 0;  ///< of uninterrupted power until one more is allowed
};

Result<LockoutState> ReadLockoutState(Tpm& tpm);

/// For people: that the TPM is in lockout, or next to it, and when it lets one try more.
std::string DescribeLockout(const LockoutState& state);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_LOCKOUT_H_
