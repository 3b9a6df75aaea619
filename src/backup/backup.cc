#include "src/backup/backup.h"

#include <algorithm>
#include <ctime>
#include <optional>

#include "src/model/backup_file.h"
#include "src/model/dimm.h"
#include "src/model/key_store.h"
#include "src/model/tar.h"
#include "src/os/directory_lock.h"
#include "src/os/file.h"
#include "src/os/keyring.h"

namespace nvunlock {
namespace {

std::string UtcTime(int64_t time) {
  time_t seconds = time;
  struct tm parts = {};
  gmtime_r(&seconds, &parts);
  char text[40];
  strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string DescribeWays(const KeyFile& file) {
  std::string text;
  for (const RecoverySlot& slot : file.recovery) {
    text += (text.empty() ? " by " : ", ") + std::string(ToWord(slot.kind));
  }
  return file.kek.ToString() + text;
}

/// The DIMMs that the machine has now.
std::string DescribeDimms(const std::string& sysfs_root) {
  NdBus bus(sysfs_root);
  std::string text;
  for (const std::string& nmem : bus.Nmems()) {
    Result<Dimm> dimm = InspectDimm(bus, nmem);
    if (!dimm || dimm->id.empty()) continue;
    text += "dimm: " + dimm->id.spelling() + " " + nmem + " " + ToWord(dimm->security) + "\n";
  }
  return text;
}

/// One run of WriteBackup.
class BackupMaker {
 public:
  BackupMaker(const Environment& environment, const BackupOrigin& origin)
      : environment_(environment), origin_(origin), store_(environment.keys_dir) {}

  Result<BackupReport> Run(const std::string& path) {
    if (Exists(path)) return Fail(path + ": exists already; a backup does not replace it");
    {
      DirectoryLock lock = TRY(LockDirectory(store_.directory()));
      TRY(GatherKeks());
      TRY(GatherFiles());
    }
    files_.push_back({kAboutBackupFile, About()});
    Bytes tar = TRY(PackTar(files_, origin_.time));
    backup_.archive = TRY(EncryptArchive(tar, keks_));
    std::string text = TRY(FormatBackup(backup_));
    if (text.size() > kBackupLimit) return Fail("the backup would be too large");
    TRY(WriteFileDurably(path, text, 0600, IfPresent::kFail));
    TRY_IN(path + " was written, but does not hold: do not rely on it", Prove(path, text, tar));
    return std::move(report_);
  }

 private:
  Result<void> GatherKeks() {
    for (const KekName& name : TRY(store_.EnrolledKeks())) {
      KeyFile file = TRY(store_.ReadKeyFile(name));
      if (file.recovery.empty()) {
        return Fail(name.ToString() +
                    ": its key file has no recovery slot; without the TPM nobody could open the "
                    "backup: add one with 'nvunlock reseal --recovery-key'");
      }
      keks_.push_back(TRY(TakeKek(file)));
      report_.keks.push_back(DescribeWays(file));
      backup_.keks.push_back({.kek = file.kek,
                              .check_value = std::move(file.check_value),
                              .slots = {},
                              .recovery = std::move(file.recovery)});
    }
    if (keks_.empty()) return Fail("nothing is enrolled: no key file in " + store_.directory());
    return {};
  }

  [[nodiscard]] Result<NamedKek> TakeKek(const KeyFile& file) const {
    std::string name = file.kek.ToString();
    std::optional<Key> key = TRY(Keyring(environment_.keyring).Find("user", file.kek.description));
    if (!key) {
      return Fail(name +
                  " is not in the keyring: run 'nvunlock load-keys' or 'nvunlock load-keys "
                  "--recovery' first");
    }
    Secret kek = TRY_IN(name + " in the keyring", key->Read());
    if (TRY(KekCheckValue(kek)) != file.check_value) {
      return Fail(name + " in the keyring is not the kek of " +
                  store_.PathOf(file.kek.KeyFileName()));
    }
    return NamedKek{file.kek, std::move(kek)};
  }

  Result<void> GatherFiles() {
    for (const std::string& name : TRY(ListDirectory(store_.directory()))) {
      if (BelongsIntoBackup(name)) {
        TRY(GatherFile(name));
      } else if (name.ends_with(".blob")) {
        report_.notes.push_back(name + " is left out: it is no passphrase blob");
      }
    }
    return {};
  }

  Result<void> GatherFile(const std::string& name) {
    Bytes content = TRY(ReadKernelFile(store_.PathOf(name), kTarFileLimit));
    std::string text(AsText(content));
    std::optional<BlobName> blob = ParseBlobName(name);
    // An empty spare blob counts as absent.
    if (text.empty() && (!blob || blob->kind.stage != BlobStage::kCurrent)) return {};
    if (blob && !CheckBlob(name, text)) return {};
    files_.push_back({name, std::move(text)});
    report_.files.push_back(name);
    return {};
  }

  /// Whether it is a passphrase blob, and no kek in clear under the name of one.
  bool CheckBlob(const std::string& name, const std::string& text) {
    Result<Enc32Blob> blob = ParseEnc32(text);
    if (!blob) {
      report_.notes.push_back(name + " is left out: " + blob.error().message);
      return false;
    }
    auto kek = std::find_if(keks_.begin(), keks_.end(),
                            [&](const NamedKek& known) { return known.name == blob->kek; });
    if (kek == keks_.end()) {
      report_.notes.push_back(name + ": its kek " + blob->kek.ToString() +
                              " has no key file, so the backup alone does not open it");
    } else if (!VerifyEnc32(*blob, kek->kek)) {
      report_.notes.push_back(name + ": it is damaged, or was made under another kek than " +
                              blob->kek.ToString());
    }
    return true;
  }

  [[nodiscard]] std::string About() const {
    return "host: " + origin_.host + "\ndate: " + UtcTime(origin_.time) +
           "\nnvunlock: " + origin_.version + "\n" + DescribeDimms(environment_.sysfs_root);
  }

  /// What is there now is what was written, and each kek opens it.
  [[nodiscard]] Result<void> Prove(const std::string& path, const std::string& text,
                                   const Bytes& tar) const {
    std::string written = TRY(ReadFile(path, kBackupLimit));
    if (written != text) return Fail("it reads back as something else");
    BackupFile backup = TRY(ParseBackup(written));
    if (backup.keks.size() != keks_.size()) return Fail("keks are missing");
    for (size_t i = 0; i < keks_.size(); i++) {
      if (TRY(DecryptArchive(backup, keks_[i])) != tar) return Fail("its content differs");
      if (backup.keks[i].recovery.size() != backup_.keks[i].recovery.size()) {
        return Fail("recovery slots are missing");
      }
    }
    return {};
  }

  const Environment& environment_;
  const BackupOrigin& origin_;
  KeyStore store_;
  std::vector<NamedKek> keks_;
  std::vector<TarFile> files_;
  BackupFile backup_;
  BackupReport report_;
};

}  // namespace

Result<BackupReport> WriteBackup(const Environment& environment, const BackupOrigin& origin,
                                 const std::string& path) {
  return BackupMaker(environment, origin).Run(path);
}

}  // namespace nvunlock
