// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/status/inspect_test.cc.
#ifndef NVUNLOCK_STATUS_INSPECT_TPM_SLOT_H_
#define NVUNLOCK_STATUS_INSPECT_TPM_SLOT_H_

#include "src/status/status.h"

namespace nvunlock {

/// What a slot is looked at with.
struct SlotView {
  Tpm* tpm = nullptr;  ///< nullptr: there is none, and what needs it is left out
  const PcrSources& pcrs;
  const std::optional<LockoutState>& lockout;
  const PcrSignatures& signatures;
};

/// Looks at what an unlock through SLOT depends on, part by part. The TPM is asked, and its memory
/// is as before afterwards; nothing is unsealed.
TpmSlotStatus InspectTpmSlot(const TpmSlot& slot, const SlotView& view);

}  // namespace nvunlock

#endif  // NVUNLOCK_STATUS_INSPECT_TPM_SLOT_H_
