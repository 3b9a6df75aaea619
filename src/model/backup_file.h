#ifndef NVUNLOCK_MODEL_BACKUP_FILE_H_
#define NVUNLOCK_MODEL_BACKUP_FILE_H_

#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/model/key_file.h"

namespace nvunlock {

/// Largest backup that is read.
inline constexpr size_t kBackupLimit = 32 << 20;

/// What an archive says of the machine it is from. It is not put into the keys directory.
inline constexpr char kAboutBackupFile[] = "about-this-backup";

/// A backup: PEM text with an archive that is encrypted under each of its keks, and behind it the
/// keks' recovery slots (doc/recovery.md).
struct BackupFile {
  Bytes archive;              ///< CMS message with a tar archive in it
  std::vector<KeyFile> keks;  ///< with recovery slots only, as they are in the key files
};

/// Whether NAME is one of a file in the keys directory that belongs into a backup: a passphrase
/// blob, user or master, current, new or old; a key file; the list of enrolled DIMMs.
bool BelongsIntoBackup(const std::string& name);

/// A kek, and by which name the keyring has it.
struct NamedKek {
  KekName name;
  Secret kek;
};

/// TAR, encrypted so that each of KEKS opens it: under HKDF-SHA-256(kek, info "nvunlock backup"),
/// with the name of the kek as key identifier.
Result<Bytes> EncryptArchive(ByteView tar, const std::vector<NamedKek>& keks);

/// The tar archive in BACKUP. Fails with kBadKeyFile when it is damaged or KEK is none of its keks.
Result<Bytes> DecryptArchive(const BackupFile& backup, const NamedKek& kek);

/// The text of a backup.
Result<std::string> FormatBackup(const BackupFile& backup);

/// Reads the text as hostile input. Fails with kBadKeyFile and one cause.
Result<BackupFile> ParseBackup(std::string_view text);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_BACKUP_FILE_H_
