// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/seal/enroll_ways_test.cc, test/unit/seal/reseal_test.cc.
#ifndef NVUNLOCK_SEAL_TPM_SLOT_H_
#define NVUNLOCK_SEAL_TPM_SLOT_H_

#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/model/environment.h"
#include "src/model/key_file.h"
#include "src/model/key_store.h"
#include "src/model/latch_choice.h"
#include "src/model/pcr_terms.h"
#include "src/seal/resolve_pcrs.h"
#include "src/seal/signed_pcrs.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// What a TPM slot is bound to.
struct SlotOptions {
  PcrTerms pcrs;  ///< with their values; may be none when there are signed ones
  std::optional<SignedTerms> signed_pcrs;
  bool weak_policy = false;
  LatchChoice latch;
};

/// What SLOT was made of, but with other literal PCRs where PCRS are given. Else it is the same
/// ones with their values of now, also when they are weak, and kUsage when its notes do not name
/// them.
Result<SlotOptions> OptionsOfSlot(const TpmSlot& slot, const std::optional<PcrTerms>& pcrs);

/// What OptionsOfSlot fails with.
Failure UnknownPcrs();

/// A slot that is about to be made; all that can be refused has been.
struct SlotPlan {
  ResolvedPcrs pcrs;
  std::optional<SignedPlan> signed_pcrs;
  TPM2B_PUBLIC srk = {};
  ESYS_TR parent = ESYS_TR_NONE;
  std::vector<std::string> notes;

  /// Whether the PCRs hold at this moment what the slot is bound to.
  [[nodiscard]] bool HoldsNow() const {
    return pcrs.hold_now && (!signed_pcrs || signed_pcrs->holds_now);
  }
};

/// Resolves the PCRs and finds or makes the storage root key.
Result<SlotPlan> PlanTpmSlot(const Environment& environment, Tpm& tpm, const SlotOptions& options);

struct NewTpmSlot {
  TpmSlot slot;
  std::optional<NvLatch> new_latch;  ///< made for it; remove it if the slot is given up
};

/// Seals a new secret and encrypts KEK under it. The latch of another key file in STORE is used
/// again when the TPM still holds it: TPMs have little room for them.
Result<NewTpmSlot> MakeTpmSlot(Tpm& tpm, const KeyStore& store, const SlotPlan& plan,
                               const LatchChoice& latch, const Secret& kek, const SlotPin* pin);

enum class Proof {
  kUnsealed,   ///< it opens now, and not without its policy
  kNotNow,     ///< it stays closed without its policy; the PCRs hold other values now
  kLatchedUp,  ///< the same, and this boot's latch is closed
};

/// Shows that FILE, written and read back, yields KEK through its TPM slot INDEX where that can be
/// seen now, and that the slot does not open without its policy.
Result<Proof> ProveTpmSlot(Tpm& tpm, const KeyFile& file, size_t index, const SlotPlan& plan,
                           const Secret& kek, const SlotPin* pin);

/// Makes a slot and puts it in the place of all TPM slots of FILE, which has not been written yet,
/// and proves it. NEW_LATCH is set when one was made: remove it if the file is given up.
Result<Proof> ReplaceTpmSlots(Tpm& tpm, const KeyStore& store, const SlotPlan& plan,
                              const LatchChoice& latch, const Secret& kek, const SlotPin* pin,
                              KeyFile& file, std::optional<NvLatch>& new_latch);

/// The keys of a new PIN; nullopt for none. The slow part is here.
Result<std::optional<SlotPin>> MakeSlotPin(const std::optional<Secret>& pin);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_TPM_SLOT_H_
