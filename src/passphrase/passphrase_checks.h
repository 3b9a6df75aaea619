// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/passphrase/change_passphrase_failures_test.cc.
#ifndef NVUNLOCK_PASSPHRASE_PASSPHRASE_CHECKS_H_
#define NVUNLOCK_PASSPHRASE_PASSPHRASE_CHECKS_H_

#include "src/base/result.h"
#include "src/passphrase/change_passphrase.h"
#include "src/passphrase/dimm_passphrase.h"
#include "src/records/unlock_record.h"

namespace nvunlock {

/// How far a change of a passphrase is, with what an earlier run may have done of it.
enum class Readiness {
  kToDo,
  kChanged,  ///< the DIMM is as it shall be, its blobs are not
  kSettled,  ///< nothing is left to do
};

/// Looks, before anything is changed, whether a DIMM's passphrase can be. Where an earlier change
/// has left two blobs it asks the DIMM which is in force, and keeps that one (not in a dry run).
class PassphraseChecks {
 public:
  PassphraseChecks(const NdBus& bus, const ChangeOptions& options, UnlockedWith unlocked_with)
      : bus_(bus), options_(options), unlocked_with_(std::move(unlocked_with)) {}

  Result<Readiness> Check(DimmPassphrase& passphrase);

  [[nodiscard]] bool has_moved_blobs() const { return has_moved_blobs_; }

  /// Whether a change that is complete may have been cut short before its images were.
  [[nodiscard]] bool images_may_lag() const { return images_may_lag_; }

 private:
  Result<Readiness> CheckMaster(DimmPassphrase& passphrase);
  Result<Readiness> CheckSetup(DimmPassphrase& passphrase);
  Result<Readiness> CheckRemoval(DimmPassphrase& passphrase);
  static Result<Readiness> CheckImport(const DimmPassphrase& passphrase);
  Result<Readiness> CheckHasPassphrase(DimmPassphrase& passphrase);
  Result<void> ResolveSpare(DimmPassphrase& passphrase);

  const NdBus& bus_;
  const ChangeOptions& options_;
  UnlockedWith unlocked_with_;
  bool has_moved_blobs_ = false;
  bool images_may_lag_ = false;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_PASSPHRASE_PASSPHRASE_CHECKS_H_
