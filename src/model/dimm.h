// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_MODEL_DIMM_H_
#define NVUNLOCK_MODEL_DIMM_H_

#include <optional>
#include <string>
#include <string_view>

#include "src/base/result.h"
#include "src/model/dimm_id.h"
#include "src/os/nd_bus.h"

namespace nvunlock {

/// The `security` attribute of an nmem (security.rst of the kernel).
enum class SecurityState {
  kUnsupported,  ///< no such attribute: a DIMM or a bus without security
  kDisabled,
  kUnlocked,
  kLocked,
  kOverwrite,
  kUnknown,  ///< a word that we do not know
};

SecurityState ParseSecurityState(std::string_view word);

/// The word that sysfs and ndctl use; "unsupported" and "unknown" are ours.
const char* ToWord(SecurityState state);

/// A DIMM as sysfs shows it at one moment.
struct Dimm {
  std::string nmem;  ///< nmem0
  std::string bus;   ///< ndbus0
  DimmId id;         ///< empty for providers without ids
  SecurityState security = SecurityState::kUnsupported;
  bool frozen = false;
  bool bound = false;

  /// Security is on and the DIMM is usable: what is to be frozen.
  [[nodiscard]] bool IsUnlocked() const { return security == SecurityState::kUnlocked; }

  /// Its memory can be reached.
  [[nodiscard]] bool IsReadable() const {
    return security == SecurityState::kUnsupported || security == SecurityState::kDisabled ||
           security == SecurityState::kUnlocked;
  }

  [[nodiscard]] bool HasPassphrase() const {
    return security == SecurityState::kUnlocked || security == SecurityState::kLocked;
  }
};

/// Reads one nmem. Fails when it has security but its id cannot be read.
Result<Dimm> InspectDimm(const NdBus& bus, const std::string& nmem);

/// Whether binding DIMM to its driver can reach the DIMM with a passphrase that is not its own.
/// The kernel sends 32 zero bytes for a DIMM without a key, and the DIMM counts a refused try.
struct BindCircumstances {
  bool key_loaded;          ///< a verified key for this DIMM is in the keyring
  bool kernel_revalidates;  ///< libnvdimm.key_revalidate is on
};

/// nullopt when DIMM may be bound, else why not.
std::optional<std::string> ReasonNotToBind(const Dimm& dimm, BindCircumstances circumstances);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_DIMM_H_
