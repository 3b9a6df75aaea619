#include "src/model/backup_file.h"

#include <algorithm>

#include "src/crypto/cms.h"
#include "src/crypto/hash.h"
#include "src/model/blob_record.h"
#include "src/model/key_store.h"
#include "src/model/pem.h"

namespace nvunlock {
namespace {

constexpr std::string_view kCmsLabel = "CMS";

/// Each kek's part starts with it, as a key file does.
constexpr std::string_view kKekField = "kek: ";

/// Part of the format.
constexpr std::string_view kBackupInfo = "nvunlock backup";
constexpr size_t kWrappingKeySize = 32;

constexpr std::string_view kIntroduction =
    "nvunlock backup of the keys directory; see nvunlock(8). It holds no secret in clear, but\n"
    "whoever also has a recovery key, a recovery passphrase or an escrow key of it can unlock the\n"
    "DIMMs: keep it away from them. doc/recovery.md says how openssl and tar alone open it.\n"
    "\n"
    "The files, in a tar archive that is encrypted under each of the keks below:\n";

Result<CmsKey> WrappingKey(const NamedKek& kek) {
  Secret key = TRY(HkdfSha256(kek.kek.bytes(), kBackupInfo, kWrappingKeySize));
  std::string id = kek.name.ToString();
  return CmsKey{Bytes(id.begin(), id.end()), std::move(key)};
}

/// TEXT cut before each line that starts with kKekField.
std::vector<std::string_view> CutAtKeks(std::string_view text) {
  const std::string line_start = "\n" + std::string(kKekField);
  std::vector<std::string_view> parts;
  for (;;) {
    size_t end = text.find(line_start);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

bool BelongsIntoBackup(const std::string& name) {
  static constexpr std::string_view kSuffix = ".pem";
  bool is_plain =
      std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!is_plain) return false;
  if (name == kEnrolledDimmsFile || ParseBlobName(name)) return true;
  return name.ends_with(kSuffix) &&
         ParseKekName("user:" + name.substr(0, name.size() - kSuffix.size())).has_value();
}

Result<Bytes> EncryptArchive(ByteView tar, const std::vector<NamedKek>& keks) {
  std::vector<CmsKey> keys;
  keys.reserve(keks.size());
  for (const NamedKek& kek : keks) keys.push_back(TRY(WrappingKey(kek)));
  return EncryptToKeys(tar, keys);
}

Result<Bytes> DecryptArchive(const BackupFile& backup, const NamedKek& kek) {
  CmsKey key = TRY(WrappingKey(kek));
  return DecryptWithOneKey(backup.archive, key);
}

Result<std::string> FormatBackup(const BackupFile& backup) {
  std::string text = std::string(kIntroduction) + FormatPem(kCmsLabel, backup.archive);
  for (const KeyFile& kek : backup.keks) {
    std::string part = TRY(FormatKeyFile(kek));
    text += "\n" + part.substr(part.find(kKekField));
  }
  return text;
}

Result<BackupFile> ParseBackup(std::string_view text) {
  std::vector<std::string_view> parts = CutAtKeks(text);
  std::vector<PemBlock> blocks = TRY(ParsePem(parts[0]));
  if (blocks.size() != 1 || blocks[0].label != kCmsLabel || parts.size() == 1) {
    return Fail(Errc::kBadKeyFile, "it is not a backup, or not a whole one");
  }
  BackupFile backup;
  backup.archive = std::move(blocks[0].der);
  for (auto part = parts.begin() + 1; part != parts.end(); ++part) {
    backup.keks.push_back(TRY(ParseKeyFile(*part)));
  }
  return backup;
}

}  // namespace nvunlock
