// SPDX-License-Identifier: Apache-2.0
#include "src/backup/backup.h"

#include <algorithm>
#include <ctime>
#include <map>

#include "src/keys/clear_kek.h"
#include "src/keys/kek_in_keyring.h"
#include "src/model/blob_record.h"
#include "src/model/key_store.h"
#include "src/os/directory_lock.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

/// Largest backup that is read.
constexpr size_t kBackupLimit = 32 << 20;

constexpr std::string_view kKeyFileSuffix = ".pem";

/// By name.
using Keks = std::map<std::string, Secret>;

/// NOTES get to know what is left out.
Result<std::vector<TarFile>> ReadKeysDirectory(const KeyStore& store,
                                               std::vector<std::string>& notes) {
  DirectoryLock lock = TRY(LockDirectory(store.directory()));
  std::vector<std::string> names;
  for (const KekName& kek : TRY(store.EnrolledKeks())) names.push_back(kek.KeyFileName());
  if (names.empty()) return Fail("nothing is enrolled: no key file in " + store.directory());
  for (const BlobName& blob : TRY(store.AllBlobs())) names.push_back(blob.name);
  if (Exists(store.PathOf(kEnrolledDimmsFile))) names.push_back(kEnrolledDimmsFile);
  std::vector<TarFile> files;
  for (const std::string& name : names) {
    std::string content = TRY(ReadFile(store.PathOf(name), kTarFileLimit));
    files.push_back({name, std::move(content)});
  }
  for (const std::string& name : TRY(ListDirectory(store.directory()))) {
    if (!name.ends_with(kBlobSuffix) || ParseBlobName(name)) continue;
    notes.push_back(name + " is left out: it is not a passphrase blob; it may be a kek in clear");
  }
  return files;
}

Result<void> CheckFile(const TarFile& file) {
  if (ParseBlobName(file.name)) {
    TRY(ParseEnc32(file.content));
  } else if (file.name.ends_with(kKeyFileSuffix)) {
    KekName kek = TRY(ParseKeyFile(file.content)).kek;
    if (kek.type == "user" && kek.KeyFileName() == file.name) return {};
    return Fail("it holds " + kek.ToString());
  } else if (file.name != kEnrolledDimmsFile) {
    return Fail("it does not belong in a keys directory");
  } else if (ParseBlobRecord(file.content).damaged > 0) {
    return Fail("it has damaged lines, which nothing uses; delete them");
  }
  return {};
}

Result<std::vector<TarFile>> ParseBackup(ByteView tar) {
  std::vector<TarFile> files = TRY(UnpackTar(tar));
  if (files.empty()) return Fail("it is empty");
  for (const TarFile& file : files) TRY_IN(file.name, CheckFile(file));
  return files;
}

/// The kek of FILE, which a recovery slot must hold as well.
Result<Secret> TakeKek(const KeyFile& file, const Keyring& keyring) {
  if (file.recovery.empty()) {
    return Fail(file.kek.ToString() +
                ": its key file has no recovery slot, so a backup would be useless without this "
                "TPM; add one with 'nvunlock reseal --recovery-key" +
                OptionForKek(file.kek) + "'");
  }
  Secret kek = TRY(ReadKek(keyring, file.kek));
  if (TRY(KekCheckValue(kek)) == file.check_value) return kek;
  return AnotherInKeyring(file.kek, file.kek.KeyFileName());
}

std::string DescribeWays(const KeyFile& file) {
  std::string text;
  for (const RecoverySlot& slot : file.recovery) {
    text += (text.empty() ? " by " : ", ") + std::string(ToWord(slot.kind));
  }
  return file.kek.ToString() + text;
}

Result<void> CheckBlob(const TarFile& file, const Keks& keks) {
  Enc32Blob blob = TRY(ParseEnc32(file.content));
  std::string name = blob.kek.ToString();
  auto kek = keks.find(name);
  if (kek == keks.end()) {
    return Fail("its kek " + name + " is not enrolled; enroll it or move the blob away");
  }
  if (VerifyEnc32(blob, kek->second)) return {};
  return Fail("it is damaged, or wrapped by another kek than " + name +
              "; restore it or move it away");
}

/// Fails unless FILES alone hold the kek of each blob. REPORT gets to know what is in them.
Result<void> CheckComplete(const std::vector<TarFile>& files, const Keyring& keyring,
                           BackupReport& report) {
  Keks keks;
  for (const TarFile& file : files) {
    report.files.push_back(file.name);
    if (!file.name.ends_with(kKeyFileSuffix)) continue;
    KeyFile key_file = TRY(ParseKeyFile(file.content));
    Secret kek = TRY(TakeKek(key_file, keyring));
    keks.emplace(key_file.kek.ToString(), std::move(kek));
    report.keks.push_back(DescribeWays(key_file));
  }
  for (const TarFile& file : files) {
    if (ParseBlobName(file.name)) TRY_IN(file.name, CheckBlob(file, keks));
  }
  return {};
}

/// Nothing reads a file with this suffix.
constexpr char kOldSuffix[] = ".before-restore";

/// What is at PATH; empty when there is nothing.
Result<std::string> ContentOf(const std::string& path) {
  if (!Exists(path) || IsEmpty(path)) return std::string();
  return ReadFile(path, kTarFileLimit);
}

/// What an earlier restore has kept is not lost either.
Result<void> KeepOld(const std::string& path) {
  std::string old = TRY(ContentOf(path));
  std::string kept = TRY(ContentOf(path + kOldSuffix));
  if (!kept.empty() && kept != old) {
    return Fail("nothing was replaced: " + path + kOldSuffix + " already exists; move it away");
  }
  return WriteFileDurably(path + kOldSuffix, old, 0600, IfPresent::kReplace);
}

Failure FailToReplace(const std::vector<std::string>& names, const std::string& keys_dir) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return Fail("nothing was written: " + keys_dir + " has other versions of " + text +
              "; --force replaces them and keeps the old ones as NAME" + kOldSuffix);
}

}  // namespace

Result<BackupReport> WriteBackup(const Environment& environment, const std::string& path) {
  if (Exists(path)) return Fail(path + ": already exists; choose another name");
  KeyStore store(environment.keys_dir);
  BackupReport report;
  Bytes tar = PackTar(TRY(ReadKeysDirectory(store, report.notes)), time(nullptr));
  TRY(CheckComplete(TRY(ParseBackup(tar)), Keyring(environment.keyring), report));
  TRY(WriteFileDurably(path, AsText(tar), 0600, IfPresent::kFail));
  if (ReadFile(path, kBackupLimit).value_or("") == AsText(tar)) return report;
  return Fail(path + " was written, but reads back differently; do not rely on it");
}

Result<std::vector<TarFile>> ReadBackup(const std::string& path) {
  std::string tar = TRY(ReadFile(path, kBackupLimit));
  Result<std::vector<TarFile>> files = ParseBackup(AsBytes(tar));
  if (files) return files;
  std::string cause = std::move(files.error().message);  // may quote what a terminal acts on
  std::replace_if(
      cause.begin(), cause.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  // Errc::kBadKeyFile is about the machine's own key files, and its remedy a backup.
  return Fail(path + ": " + cause);
}

Result<RestoreReport> RestoreFiles(const std::vector<TarFile>& files, const std::string& keys_dir,
                                   bool replace) {
  TRY(MakeDirectories(keys_dir, 0700));
  DirectoryLock lock = TRY(LockDirectory(keys_dir));
  const std::string prefix = keys_dir + "/";
  RestoreReport report;
  std::vector<TarFile> changed;
  for (const TarFile& file : files) {
    std::string present = TRY(ContentOf(prefix + file.name));
    if (present == file.content) {
      report.same.push_back(file.name);
      continue;
    }
    // An empty file holds nothing that could be lost.
    (present.empty() ? report.written : report.replaced).push_back(file.name);
    changed.push_back(file);
  }
  if (!replace && !report.replaced.empty()) return FailToReplace(report.replaced, keys_dir);
  for (const std::string& name : report.replaced) TRY(KeepOld(prefix + name));
  for (const TarFile& file : changed) {
    TRY(WriteFileDurably(prefix + file.name, file.content, 0600, IfPresent::kReplace));
  }
  return report;
}

}  // namespace nvunlock
