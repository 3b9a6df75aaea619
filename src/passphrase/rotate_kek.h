// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_PASSPHRASE_ROTATE_KEK_H_
#define NVUNLOCK_PASSPHRASE_ROTATE_KEK_H_

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/model/kek_name.h"
#include "src/passphrase/change_passphrase.h"

namespace nvunlock {

struct RotateOptions {
  KekName from;
  KekName to;                   ///< enrolled before
  ImageRefresh refresh_images;  ///< empty: images are left as they are
  bool dry_run = false;
  StepListener on_step;
};

struct RotateReport {
  std::vector<std::string> rewrapped;  ///< blob files; in a dry run those that would be
  std::vector<Error> problems;
};

/// Wraps every passphrase blob of one kek, whatever it is of, under another, and the DIMM keys in
/// the keyring too; the kernel does it, and no DIMM notices. Both keks must be in the keyring. A
/// blob is replaced only by one that verifies, and at any moment each opens with one of the two.
/// This revokes nothing: the old kek and an old copy of a blob still give the passphrase. Locks the
/// keys directory.
Result<RotateReport> RotateKek(const Environment& environment, const RotateOptions& options);

/// Puts the key file of a kek that wraps nothing any more aside, as NAME.pem.retired. Fails where a
/// blob still names it. Locks the keys directory.
Result<void> RetireKek(const Environment& environment, const KekName& kek);

}  // namespace nvunlock

#endif  // NVUNLOCK_PASSPHRASE_ROTATE_KEK_H_
