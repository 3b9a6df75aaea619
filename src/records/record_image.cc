// SPDX-License-Identifier: Apache-2.0
#include "src/records/record_image.h"

#include "src/keys/recorded_blobs.h"
#include "src/model/key_store.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

constexpr size_t kRecordLimit = 1 << 20;

std::string RecordPath(const Environment& environment) {
  return environment.run_dir + "/" + kImageRecordFile;
}

/// What cannot be read here is unlock's to complain about.
Result<ImageRecord> LookAt(const KeyStore& store) {
  ImageRecord record;
  for (const KekName& kek : TRY(store.EnrolledKeks())) {
    Result<KeyFile> file = store.ReadKeyFile(kek);
    if (!file) continue;
    // An image has passphrase slots only if it shall.
    record.hashes[kek.KeyFileName()] = TRY(HashOfKeyFile(*file, /*with_passphrase=*/true));
    for (const TpmSlot& slot : file->slots) record.sealed_objects.insert(IdOfSlot(slot));
  }
  for (const BlobName& blob : TRY(store.Blobs())) {
    Result<std::string> text = store.ReadBlobText(blob);
    if (text) record.hashes[blob.name] = HashOfBlob(*text);
  }
  Result<std::string> lines = HashOfRecordFile(store);
  if (lines && !lines->empty()) record.hashes[kEnrolledDimmsFile] = std::move(*lines);
  return record;
}

}  // namespace

Result<void> RecordImage(const Environment& environment) {
  if (!Exists(environment.image_facts) || Exists(RecordPath(environment))) return {};
  ImageRecord record = TRY(LookAt(KeyStore(environment.keys_dir)));
  TRY(MakeDirectories(environment.run_dir, 0755));
  return WriteFileDurably(RecordPath(environment), FormatImageRecord(record), 0600,
                          IfPresent::kReplace);
}

Result<std::optional<ImageRecord>> ReadImageRecord(const Environment& environment) {
  std::string path = RecordPath(environment);
  if (!Exists(path)) return std::optional<ImageRecord>();
  std::string text = TRY(ReadFile(path, kRecordLimit));
  return TRY_IN(path, ParseImageRecord(text));
}

}  // namespace nvunlock
