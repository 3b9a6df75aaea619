// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_PASSPHRASE_CHANGE_PASSPHRASE_H_
#define NVUNLOCK_PASSPHRASE_CHANGE_PASSPHRASE_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/model/key_store.h"
#include "src/passphrase/dimm_result.h"

namespace nvunlock {

enum class PassphraseChange { kSetup, kUpdate, kRemove };

/// Brings the images that the next boot may take up to what the keys directory holds. Returns
/// their paths; fails when there is none, or one would not unlock. See TryAndRefreshImages.
using ImageRefresh = std::function<Result<std::vector<std::string>>()>;

struct ChangeOptions {
  PassphraseChange change = PassphraseChange::kUpdate;
  PassphraseRole role = PassphraseRole::kUser;
  std::optional<KekName> kek;      ///< that wraps new passphrases; else that of the old one
  const Secret* import = nullptr;  ///< setup: the 32 bytes that the DIMMs have already
  ImageRefresh refresh_images;     ///< empty: images are left as they are
  bool dry_run = false;
  StepListener on_step;
};

/// Sets, changes or removes a passphrase of each of the DIMMs NMEMS, in steps between which the
/// power may fail: (1) the new one is staged beside the old in the keys directory, (2) and in the
/// images; (3) the DIMM changes; (4) the new one replaces the old in the keys directory (5) and in
/// the images. What an earlier run has left half done is finished first, for which a DIMM may be
/// sent a passphrase that it refuses, once. One DIMM's failure does not stop the others. Locks the
/// keys directory.
DimmReport ChangePassphrases(const Environment& environment, const std::vector<std::string>& nmems,
                             const ChangeOptions& options);

}  // namespace nvunlock

#endif  // NVUNLOCK_PASSPHRASE_CHANGE_PASSPHRASE_H_
