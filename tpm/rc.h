// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_RC_H_
#define NVUNLOCK_TPM_RC_H_

#include <tss2/tss2_common.h>

#include <string_view>

#include "src/base/result.h"

namespace nvunlock {

/// RC without what differs from call to call: the number of the handle, session or parameter that
/// it is about (TPM 2.0 Part 2, section 6.6). Compare with TPM2_RC_POLICY_FAIL and the like.
TSS2_RC WithoutPosition(TSS2_RC rc);

/// True when the TPM found fault with a parameter of the command.
bool IsAboutParameter(TSS2_RC rc);

/// What RC means for us: "ACTION: cause (0x0000099d)", with the Errc that belongs to the cause.
Failure FailTpm(std::string_view action, TSS2_RC rc);

/// FailTpm for a command that the owner authorizes with an empty password: kOwnerPassword when the
/// owner has another one.
Failure FailTpmOwner(std::string_view action, TSS2_RC rc);

/// Returns FailTpm(ACTION, rc) from the calling function unless the ESYS call succeeds.
#define TRY_TPM(action, call)                                                  \
  do {                                                                         \
    TSS2_RC try_rc = (call);                                                   \
    if (try_rc != TSS2_RC_SUCCESS) return ::nvunlock::FailTpm(action, try_rc); \
  } while (false)

/// TRY_TPM with FailTpmOwner.
#define TRY_TPM_OWNER(action, call)                                                 \
  do {                                                                              \
    TSS2_RC try_rc = (call);                                                        \
    if (try_rc != TSS2_RC_SUCCESS) return ::nvunlock::FailTpmOwner(action, try_rc); \
  } while (false)

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_RC_H_
