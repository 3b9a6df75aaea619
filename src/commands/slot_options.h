#ifndef NVUNLOCK_COMMANDS_SLOT_OPTIONS_H_
#define NVUNLOCK_COMMANDS_SLOT_OPTIONS_H_

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/commands/options.h"
#include "src/procedures/recovery_ways.h"
#include "src/procedures/tpm_slot.h"

namespace nvunlock {

/// --tpm2-pcrs, --weak-policy. SLOT must outlive them.
std::vector<Option> TpmSlotOptions(SlotOptions& slot);

/// Which recovery slots were asked for, before anybody has typed anything.
struct RecoveryRequest {
  bool key = false;
  bool passphrase = false;
  bool none = false;  ///< --no-recovery
  std::vector<std::string> escrow;

  [[nodiscard]] bool IsEmpty() const { return !key && !passphrase && escrow.empty(); }
};

/// --recovery-key, --recovery-passphrase, --escrow. REQUEST must outlive them.
std::vector<Option> RecoveryOptions(RecoveryRequest& request);

/// Makes the key and asks for the passphrase, twice.
Result<RecoveryWays> Prepare(const RecoveryRequest& request);

/// What PROOF means, as a line for people.
const char* Explain(Proof proof);

/// Prints a new recovery key, the only time that it is seen; does nothing when there is none.
Result<void> PrintRecoveryKey(const RecoveryWays& ways);

}  // namespace nvunlock

#endif  // NVUNLOCK_COMMANDS_SLOT_OPTIONS_H_
