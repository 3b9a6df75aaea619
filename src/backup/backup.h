// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_BACKUP_BACKUP_H_
#define NVUNLOCK_BACKUP_BACKUP_H_

#include <string>
#include <vector>

#include "src/backup/tar.h"
#include "src/base/result.h"
#include "src/model/environment.h"

namespace nvunlock {

struct BackupReport {
  std::vector<std::string> files;  ///< what is in it
  std::vector<std::string> keks;   ///< and what opens it: "user:nvdimm-master by recovery-key"
  std::vector<std::string> notes;  ///< what was left out
};

/// Writes a backup of the keys directory to PATH, where nothing may be yet, and reads it back: a
/// tar archive of the key files, the passphrase blobs and enrolled-dimms as they are. Nothing is
/// written unless each kek has a recovery slot and is in the environment's keyring, and each blob
/// verifies under one of them. A kek in clear never gets into it.
Result<BackupReport> WriteBackup(const Environment& environment, const std::string& path);

/// The files in the backup at PATH, which is read as hostile input: each is well formed and belongs
/// in a keys directory. Whether its kek vouches for it is for LoadKeys to say.
Result<std::vector<TarFile>> ReadBackup(const std::string& path);

struct RestoreReport {
  std::vector<std::string> written;
  std::vector<std::string> same;      ///< were there already
  std::vector<std::string> replaced;  ///< and the old one is kept as NAME.before-restore
};

/// Puts FILES into the keys directory. When one is there with another content, nothing is written,
/// unless REPLACE.
Result<RestoreReport> RestoreFiles(const std::vector<TarFile>& files, const std::string& keys_dir,
                                   bool replace);

}  // namespace nvunlock

#endif  // NVUNLOCK_BACKUP_BACKUP_H_
