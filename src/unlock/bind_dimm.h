// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_UNLOCK_BIND_DIMM_H_
#define NVUNLOCK_UNLOCK_BIND_DIMM_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/dimm.h"
#include "src/model/environment.h"
#include "src/unlock/load_keys.h"

namespace nvunlock {

/// What became of one DIMM.
struct DimmOutcome {
  Dimm before;
  Dimm after;
  bool revalidated = false;  ///< the firmware had left it unlocked and it took our key
  std::optional<Error> problem;
};

struct BindOptions {
  Keyring keyring = Keyring::User();  ///< where the kernel looks for DIMM keys
  unsigned expire_seconds = 0;        ///< for keys of spares; 0: never
  bool revalidate = true;             ///< asks DIMMs that are unlocked whether they take their key
};

/// Binds DIMMs to their driver, which unlocks them with the keys that are loaded.
class DimmBinder {
 public:
  /// KEYS must outlive it; the key of a spare takes the place of the one that was refused.
  DimmBinder(const Environment& environment, const BindOptions& options, LoadedKeys& keys)
      : environment_(environment), options_(options), keys_(keys), bus_(environment.sysfs_root) {}

  /// Binds DIMM unless the kernel could send it a passphrase that is not its own, and sees that it
  /// took its own. A DIMM that refuses it is sent its spare, where there is one, and no more.
  DimmOutcome Bind(const Dimm& dimm);

  /// For each DIMM that took a passphrase, the line of its blob.
  [[nodiscard]] const std::map<DimmId, RecordLine>& unlocked_with() const { return unlocked_with_; }
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

 private:
  [[nodiscard]] const std::vector<Key>* KeysOf(const Dimm& dimm) const;
  Result<void> BindDriver(const Dimm& dimm);
  [[nodiscard]] Failure ExplainUnbound(const Dimm& dimm, const std::string& reason) const;
  Result<void> Check(DimmOutcome& outcome);
  Result<void> Revalidate(DimmOutcome& outcome);
  Result<void> ExplainUntested(const Dimm& dimm);
  Result<bool> TakeSpare(const Dimm& dimm);
  Result<void> SendKey(const Dimm& dimm);
  void RecordKey(const Dimm& dimm);

  const Environment& environment_;
  BindOptions options_;
  LoadedKeys& keys_;
  NdBus bus_;
  std::map<DimmId, RecordLine> unlocked_with_;
  std::vector<std::string> notes_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_UNLOCK_BIND_DIMM_H_
