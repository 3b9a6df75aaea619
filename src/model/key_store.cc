#include "src/model/key_store.h"

#include "src/os/file.h"

namespace nvunlock {
namespace {

/// ndctl reads no larger ones.
constexpr size_t kBlobLimit = 4096;

Result<std::vector<std::string>> NamesIn(const std::string& directory) {
  if (!Exists(directory)) return std::vector<std::string>();
  return ListDirectory(directory);
}

}  // namespace

std::optional<BlobFile> ParseBlobFileName(const std::string& name) {
  static constexpr std::string_view kPrefix = "nvdimm_";
  static constexpr std::string_view kSuffix = ".blob";
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  size_t id_end = name.find('_', kPrefix.size());
  if (id_end == std::string::npos || id_end == kPrefix.size()) return std::nullopt;
  std::string id = name.substr(kPrefix.size(), id_end - kPrefix.size());
  std::string host = name.substr(id_end + 1, name.size() - id_end - 1 - kSuffix.size());
  return BlobFile{name, std::move(id), std::move(host)};
}

Result<std::vector<BlobFile>> KeyStore::Blobs() const {
  std::vector<BlobFile> blobs;
  for (const std::string& name : TRY(NamesIn(directory_))) {
    if (auto blob = ParseBlobFileName(name)) blobs.push_back(std::move(*blob));
  }
  return blobs;
}

Result<std::vector<KekName>> KeyStore::EnrolledKeks() const {
  static constexpr std::string_view kSuffix = ".pem";
  std::vector<KekName> keks;
  for (const std::string& name : TRY(NamesIn(directory_))) {
    if (!name.ends_with(kSuffix)) continue;
    Result<KekName> kek = ParseKekName("user:" + name.substr(0, name.size() - kSuffix.size()));
    if (kek) keks.push_back(std::move(*kek));
  }
  return keks;
}

Result<std::string> KeyStore::ReadBlobText(const BlobFile& file) const {
  return ReadFile(PathOf(file.name), kBlobLimit);
}

Result<Enc32Blob> KeyStore::ReadBlob(const BlobFile& file) const {
  std::string text = TRY(ReadBlobText(file));
  return TRY_IN(PathOf(file.name), ParseEnc32(text));
}

Result<KeyFile> KeyStore::ReadKeyFile(const KekName& kek) const {
  std::string path = PathOf(kek.KeyFileName());
  Result<std::string> text = ReadFile(path, kKeyFileLimit);
  if (!text) return Fail(Errc::kBadKeyFile, text.error().message);
  KeyFile file = TRY_IN(path, ParseKeyFile(*text));
  if (file.kek != kek) {
    return Fail(Errc::kBadKeyFile,
                path + ": it holds " + file.kek.ToString() + " instead of " + kek.ToString());
  }
  return file;
}

}  // namespace nvunlock
