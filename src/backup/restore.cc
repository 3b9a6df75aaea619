#include "src/backup/restore.h"

#include <algorithm>
#include <optional>

#include "src/model/backup_file.h"
#include "src/model/enc32.h"
#include "src/model/key_file.h"
#include "src/model/key_store.h"
#include "src/os/directory_lock.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

/// The last suffix is none that anything reads.
constexpr char kOldSuffix[] = ".before-restore";

bool HasTypedSlot(const KeyFile& file) {
  return std::any_of(file.recovery.begin(), file.recovery.end(),
                     [](const RecoverySlot& slot) { return slot.kind != RecoveryKind::kEscrow; });
}

/// nullopt when the keyring has none of the backup's keks.
Result<std::optional<NamedKek>> FindKek(const BackupFile& backup, const Keyring& keyring) {
  for (const KeyFile& file : backup.keks) {
    std::optional<Key> key = TRY(keyring.Find("user", file.kek.description));
    if (!key) continue;
    Secret kek = TRY_IN(file.kek.ToString() + " in the keyring", key->Read());
    if (TRY(KekCheckValue(kek)) != file.check_value) continue;
    return std::optional<NamedKek>({file.kek, std::move(kek)});
  }
  return std::optional<NamedKek>();
}

/// What somebody typed may be for any of the keks.
Result<NamedKek> OpenAnySlot(const BackupFile& backup, const Secret& typed) {
  for (const KeyFile& file : backup.keks) {
    Result<Secret> kek = OpenRecovery(file, typed);
    if (kek) return NamedKek{file.kek, std::move(*kek)};
  }
  return Fail("it opens no recovery slot of the backup");
}

Result<NamedKek> AskForKek(const BackupFile& backup, const BackupQuestion& ask) {
  constexpr int kTries = 3;
  auto asked = std::find_if(backup.keks.begin(), backup.keks.end(), HasTypedSlot);
  if (asked == backup.keks.end()) {
    return Fail(
        "it opens by escrow keys only, and no kek of it is in the keyring: get the kek as "
        "doc/recovery.md says, and put it into the keyring");
  }
  for (int i = 1;; i++) {
    Secret typed = TRY(ask(asked->kek));
    Result<NamedKek> kek = OpenAnySlot(backup, typed);
    if (kek || i == kTries) return kek;
  }
}

Result<NamedKek> ObtainKek(const BackupFile& backup, const Keyring& keyring,
                           const BackupQuestion& ask) {
  std::optional<NamedKek> present = TRY(FindKek(backup, keyring));
  if (present) return std::move(*present);
  return AskForKek(backup, ask);
}

/// Whoever had the kek once can have made an archive of whatever they like.
Result<void> CheckFile(const TarFile& file) {
  if (!BelongsIntoBackup(file.name)) return Fail("it does not belong into a keys directory");
  if (ParseBlobName(file.name)) TRY(ParseEnc32(file.content));
  if (file.name.ends_with(".pem")) TRY(ParseKeyFile(file.content));
  return {};
}

/// Lines that do nothing to a terminal.
std::string Printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c != '\n' && (c < ' ' || c == '\x7f'); }, '?');
  return text;
}

Result<OpenedBackup> LookThrough(std::vector<TarFile> files) {
  OpenedBackup opened;
  for (TarFile& file : files) {
    if (file.name == kAboutBackupFile) {
      opened.about = Printable(std::move(file.content));
      continue;
    }
    TRY_IN(file.name, CheckFile(file));
    opened.files.push_back(std::move(file));
  }
  return opened;
}

Result<OpenedBackup> Open(const std::string& path, const Keyring& keyring,
                          const BackupQuestion& ask) {
  BackupFile backup = TRY(ParseBackup(TRY(ReadFile(path, kBackupLimit))));
  NamedKek kek = TRY(ObtainKek(backup, keyring, ask));
  Bytes tar = TRY(DecryptArchive(backup, kek));
  return LookThrough(TRY(UnpackTar(tar)));
}

/// What is at PATH; empty when there is nothing.
Result<std::string> ContentOf(const std::string& path) {
  if (!Exists(path)) return std::string();
  Bytes content = TRY(ReadKernelFile(path, kTarFileLimit));
  return std::string(AsText(content));
}

/// One run of RestoreFiles.
class Restorer {
 public:
  Restorer(const OpenedBackup& backup, const std::string& keys_dir)
      : backup_(backup), keys_dir_(keys_dir) {}

  Result<RestoreReport> Run(bool replace) {
    TRY(MakeDirectories(keys_dir_, 0700));
    DirectoryLock lock = TRY(LockDirectory(keys_dir_));
    for (const TarFile& file : backup_.files) TRY(Compare(file));
    if (!replace && !report_.replaced.empty()) return FailToReplace();
    for (const std::string& name : report_.replaced) TRY(CheckPlaceForOld(name));
    for (const std::string& name : report_.replaced) TRY(KeepOld(name));
    for (const TarFile& file : backup_.files) TRY(PutFile(file));
    return std::move(report_);
  }

 private:
  [[nodiscard]] std::string PathOf(const std::string& name) const { return keys_dir_ + "/" + name; }

  Result<void> Compare(const TarFile& file) {
    std::string present = TRY(ContentOf(PathOf(file.name)));
    if (present == file.content) {
      report_.same.push_back(file.name);
    } else if (present.empty()) {  // an empty file holds nothing that could be lost
      report_.written.push_back(file.name);
    } else {
      report_.replaced.push_back(file.name);
    }
    return {};
  }

  [[nodiscard]] Failure FailToReplace() const {
    std::string names;
    for (const std::string& name : report_.replaced) names += (names.empty() ? "" : ", ") + name;
    return Fail("nothing was written: " + keys_dir_ + " holds something else as " + names +
                "; --force replaces it and keeps the old as NAME" + kOldSuffix);
  }

  /// What an earlier restore has kept must not be lost either.
  [[nodiscard]] Result<void> CheckPlaceForOld(const std::string& name) const {
    std::string kept = TRY(ContentOf(PathOf(name) + kOldSuffix));
    if (kept.empty() || kept == TRY(ContentOf(PathOf(name)))) return {};
    return Fail("nothing was written: " + PathOf(name) + kOldSuffix +
                " is there already; move it away");
  }

  [[nodiscard]] Result<void> KeepOld(const std::string& name) const {
    std::string old = TRY(ContentOf(PathOf(name)));
    return WriteFileDurably(PathOf(name) + kOldSuffix, old, 0600, IfPresent::kReplace);
  }

  [[nodiscard]] Result<void> PutFile(const TarFile& file) const {
    bool is_there =
        std::find(report_.same.begin(), report_.same.end(), file.name) != report_.same.end();
    if (is_there) return {};
    return WriteFileDurably(PathOf(file.name), file.content, 0600, IfPresent::kReplace);
  }

  const OpenedBackup& backup_;
  const std::string& keys_dir_;
  RestoreReport report_;
};

}  // namespace

Result<OpenedBackup> OpenBackup(const std::string& path, const Keyring& keyring,
                                const BackupQuestion& ask) {
  Result<OpenedBackup> opened = Open(path, keyring, ask);
  if (opened) return opened;
  // Errc::kBadKeyFile is about the machine's own key files, and its remedy a backup.
  std::string context = opened.error().message.starts_with(path) ? "" : path + ": ";
  return Fail(context + opened.error().message);
}

Result<RestoreReport> RestoreFiles(const OpenedBackup& backup, const std::string& keys_dir,
                                   bool replace) {
  return Restorer(backup, keys_dir).Run(replace);
}

}  // namespace nvunlock
