// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/seal/enroll_ways_test.cc, test/unit/seal/reseal_test.cc.
#ifndef NVUNLOCK_SEAL_TPM_SLOT_H_
#define NVUNLOCK_SEAL_TPM_SLOT_H_

#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/model/key_file.h"
#include "src/seal/plan_approval.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// A TPM with its storage root key, made where there was none.
struct SealingParent {
  TPM2B_PUBLIC srk = {};
  ESYS_TR tr = ESYS_TR_NONE;  ///< pinned, belongs to the connection
};

/// Finds or makes the storage root key of a TPM that can hold a policy (PolicyAuthorizeNV).
Result<SealingParent> PrepareToSeal(Tpm& tpm);

/// Puts a TPM slot for KEK into the place of all those of FILE, which has not been written yet,
/// under a new latch, a new policy index that approves what PLAN does and nothing else, and a new
/// update key. It is proved that the slot opens, and not without its policy. Where this fails, no
/// index is left in the TPM. RetireSlots it if the file is given up, and the slots before once the
/// file is on disk: only so do old copies of the file stop to open.
Result<void> ReplaceTpmSlots(Tpm& tpm, const SealingParent& parent, const ApprovalPlan& plan,
                             const Secret& kek, const SlotPin* pin, KeyFile& file);

/// Removes the NV indexes of SLOTS from the TPM: as long as they are there, old copies of the key
/// file open what they opened before. Returns what was not removed, and why.
std::vector<std::string> RetireSlots(Tpm& tpm, const std::vector<TpmSlot>& slots);

/// The keys of a new PIN; nullopt for none. The slow part is here.
Result<std::optional<SlotPin>> MakeSlotPin(const std::optional<Secret>& pin);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_TPM_SLOT_H_
