#include "src/model/key_store.h"

#include "src/os/file.h"

namespace nvunlock {
namespace {

/// ndctl reads no larger ones.
constexpr size_t kBlobLimit = 4096;

constexpr std::string_view kSuffix = ".blob";

/// ndctl's words but for "new".
constexpr std::pair<BlobKind, const char*> kKinds[] = {
    {{PassphraseRole::kUser, BlobStage::kCurrent}, "nvdimm"},
    {{PassphraseRole::kUser, BlobStage::kStaged}, "nvdimm-new"},
    {{PassphraseRole::kUser, BlobStage::kReplaced}, "nvdimm-old"},
    {{PassphraseRole::kMaster, BlobStage::kCurrent}, "nvdimm-master"},
    {{PassphraseRole::kMaster, BlobStage::kStaged}, "nvdimm-master-new"},
    {{PassphraseRole::kMaster, BlobStage::kReplaced}, "nvdimm-master-old"},
};

Result<std::vector<std::string>> NamesIn(const std::string& directory) {
  if (!Exists(directory)) return std::vector<std::string>();
  return ListDirectory(directory);
}

}  // namespace

const char* BlobKind::ToWord() const {
  for (const auto& [kind, word] : kKinds) {
    if (kind == *this) return word;
  }
  return "nvdimm";
}

std::string BlobKind::KeyDescription(const DimmId& dimm_id) const {
  return std::string(ToWord()) + ":" + dimm_id.spelling();
}

std::optional<BlobFile> ParseBlobFileName(const std::string& name) {
  if (!name.ends_with(kSuffix)) return std::nullopt;
  size_t word_end = name.find('_');
  if (word_end == std::string::npos) return std::nullopt;
  size_t id_end = name.find('_', word_end + 1);
  if (id_end == std::string::npos || id_end == word_end + 1) return std::nullopt;
  for (const auto& [kind, word] : kKinds) {
    if (name.substr(0, word_end) != word) continue;
    std::string id = name.substr(word_end + 1, id_end - word_end - 1);
    std::string host = name.substr(id_end + 1, name.size() - id_end - 1 - kSuffix.size());
    return BlobFile{name, std::move(id), std::move(host), kind};
  }
  return std::nullopt;
}

BlobFile NameBlobFile(BlobKind kind, const DimmId& dimm_id, const std::string& host) {
  std::string name = std::string(kind.ToWord()) + "_" + dimm_id.spelling() + "_" + host;
  return {name.append(kSuffix), dimm_id, host, kind};
}

Result<std::vector<BlobFile>> KeyStore::AllBlobs() const {
  std::vector<BlobFile> blobs;
  for (const std::string& name : TRY(NamesIn(directory_))) {
    auto blob = ParseBlobFileName(name);
    if (!blob) continue;
    bool spare = blob->kind.stage != BlobStage::kCurrent;
    if (!spare || !IsEmpty(PathOf(name))) blobs.push_back(std::move(*blob));
  }
  return blobs;
}

Result<std::vector<BlobFile>> KeyStore::Blobs(BlobKind kind) const {
  std::vector<BlobFile> blobs = TRY(AllBlobs());
  std::erase_if(blobs, [&](const BlobFile& blob) { return blob.kind != kind; });
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
