#ifndef NVUNLOCK_BACKUP_BACKUP_H_
#define NVUNLOCK_BACKUP_BACKUP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"

namespace nvunlock {

/// What a backup says of where it is from.
struct BackupOrigin {
  std::string host;
  std::string version;  ///< of this program
  int64_t time = 0;     ///< in seconds since 1970
};

struct BackupReport {
  std::vector<std::string> files;  ///< what is in it
  std::vector<std::string> keks;   ///< what opens it: "user:nvdimm-master by recovery-key, escrow"
  std::vector<std::string> notes;  ///< what was left out or is not as it should be
};

/// Writes a backup of the keys directory to PATH, where nothing may be yet, reads it back and opens
/// it with each kek. All enrolled keks must be in the environment's keyring and each must have a
/// recovery slot; otherwise nothing is written. A kek in clear never gets into it.
Result<BackupReport> WriteBackup(const Environment& environment, const BackupOrigin& origin,
                                 const std::string& path);

}  // namespace nvunlock

#endif  // NVUNLOCK_BACKUP_BACKUP_H_
