// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_PASSPHRASE_SANITIZE_H_
#define NVUNLOCK_PASSPHRASE_SANITIZE_H_

#include <string>
#include <vector>

#include "src/model/environment.h"
#include "src/model/key_store.h"
#include "src/passphrase/change_passphrase.h"
#include "src/passphrase/dimm_result.h"

namespace nvunlock {

struct SanitizeOptions {
  bool crypto_erase = false;
  bool overwrite = false;  ///< after the crypto erase when both are asked for
  PassphraseRole role = PassphraseRole::kUser;
  bool zero_key = false;        ///< a DIMM without a passphrase, which is left alone otherwise
  ImageRefresh refresh_images;  ///< empty: images are left as they are
  bool dry_run = false;
  StepListener on_step;
};

/// Erases the data of the DIMMs NMEMS for good: by a new media key at once, or by an overwrite,
/// which has only begun when this returns. Blobs and keys of a DIMM that has no passphrase
/// afterwards go, and those of any other stay, whatever the operation was. One DIMM's failure does
/// not stop the others. Locks the keys directory.
DimmReport SanitizeDimms(const Environment& environment, const std::vector<std::string>& nmems,
                         const SanitizeOptions& options);

}  // namespace nvunlock

#endif  // NVUNLOCK_PASSPHRASE_SANITIZE_H_
