// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_SEAL_SLOTS_H_
#define NVUNLOCK_SEAL_SLOTS_H_

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/model/key_file.h"

namespace nvunlock {

/// One way to a kek, for people.
struct SlotSummary {
  std::string kind;     ///< "tpm2", or that of a recovery slot
  std::string details;  ///< what it is bound to, or for whom it is
};

/// The slots of FILE in the order of their numbers: TPM slots, then recovery slots.
std::vector<SlotSummary> Summarize(const KeyFile& file);

struct WipeReport {
  std::vector<SlotSummary> wiped;
  std::vector<std::string> notes;
};

/// Takes the slots that WHICH names, a number or a kind, out of the key file of KEK, and the policy
/// indexes of those of the TPM out of the TPM. The last way in that somebody could use here is
/// never removed: an escrow slot does not count. Locks the keys directory.
Result<WipeReport> WipeSlots(const Environment& environment, const KekName& kek,
                             const std::string& which);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_SLOTS_H_
