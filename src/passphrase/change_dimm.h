// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/passphrase/change_passphrase_failures_test.cc.
#ifndef NVUNLOCK_PASSPHRASE_CHANGE_DIMM_H_
#define NVUNLOCK_PASSPHRASE_CHANGE_DIMM_H_

#include <string>

#include "src/base/result.h"
#include "src/passphrase/change_passphrase.h"
#include "src/passphrase/dimm_passphrase.h"

namespace nvunlock {

/// The step in which DIMMs get another passphrase, or none: what is sent to them, and how it is
/// known what they have afterwards.
class DimmChange {
 public:
  DimmChange(const NdBus& bus, const ChangeOptions& options) : bus_(bus), options_(options) {}

  /// What is written to `security`, but for the serials of keys.
  [[nodiscard]] std::string Command() const;

  /// Changes the DIMM, whose new passphrase is staged. On failure the staged blob is gone when the
  /// DIMM has shown that it has another passphrase or none, and is kept when it has not.
  Result<void> Apply(DimmPassphrase& passphrase);

 private:
  [[nodiscard]] bool IsMaster() const { return options_.role == PassphraseRole::kMaster; }
  /// Command with the serials, when the DIMM has taken the old passphrase: what it refuses later
  /// is the change. The new one has not been sent when it fails.
  Result<std::string> Compose(DimmPassphrase& passphrase) const;
  Result<void> Confirm(DimmPassphrase& passphrase, Result<void> sent);
  Result<void> ConfirmUpdate(DimmPassphrase& passphrase, Error why);
  Result<void> ConfirmSetup(DimmPassphrase& passphrase, Error why);
  Result<void> ConfirmRemoval(const DimmPassphrase& passphrase, Result<void> sent);
  Result<bool> TryStaged(DimmPassphrase& passphrase);

  Result<void> ConfirmImport(DimmPassphrase& passphrase);

  const NdBus& bus_;
  const ChangeOptions& options_;
  bool import_refused_ = false;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_PASSPHRASE_CHANGE_DIMM_H_
