// SPDX-License-Identifier: Apache-2.0
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

Result<std::vector<BlobName>> KeyStore::AllBlobs() const {
  std::vector<BlobName> blobs;
  for (const std::string& name : TRY(NamesIn(directory_))) {
    auto blob = ParseBlobName(name);
    if (!blob) continue;
    bool spare = blob->kind.stage != BlobStage::kCurrent;
    if (!spare || !IsEmpty(PathOf(name))) blobs.push_back(std::move(*blob));
  }
  return blobs;
}

Result<std::vector<BlobName>> KeyStore::Blobs(BlobKind kind) const {
  std::vector<BlobName> blobs = TRY(AllBlobs());
  std::erase_if(blobs, [&](const BlobName& blob) { return blob.kind != kind; });
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

Result<std::string> KeyStore::ReadBlobText(const BlobName& file) const {
  return ReadFile(PathOf(file.name), kBlobLimit);
}

Result<Enc32Blob> KeyStore::ReadBlob(const BlobName& file) const {
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
