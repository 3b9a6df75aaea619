#ifndef NVUNLOCK_BACKUP_RESTORE_H_
#define NVUNLOCK_BACKUP_RESTORE_H_

#include <functional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/model/kek_name.h"
#include "src/model/tar.h"
#include "src/os/keyring.h"

namespace nvunlock {

/// A backup that has been opened and looked through.
struct OpenedBackup {
  std::string about;           ///< where it is from, in lines
  std::vector<TarFile> files;  ///< what goes into the keys directory
};

/// Gets a recovery key or passphrase of KEK from somebody.
using BackupQuestion = std::function<Result<Secret>(const KekName& kek)>;

/// Opens the backup at PATH by one of its keks: one that KEYRING has, else one that ASK's answer
/// opens, in three tries. Fails when anything in it has been changed, or does not belong into a
/// keys directory.
Result<OpenedBackup> OpenBackup(const std::string& path, const Keyring& keyring,
                                const BackupQuestion& ask);

struct RestoreReport {
  std::vector<std::string> written;
  std::vector<std::string> same;      ///< were there already
  std::vector<std::string> replaced;  ///< and the old one is kept as NAME.before-restore
};

/// Puts the files of BACKUP into the keys directory. When one is there with another content,
/// nothing is written, unless REPLACE.
Result<RestoreReport> RestoreFiles(const OpenedBackup& backup, const std::string& keys_dir,
                                   bool replace);

}  // namespace nvunlock

#endif  // NVUNLOCK_BACKUP_RESTORE_H_
