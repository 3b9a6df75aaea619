// SPDX-License-Identifier: Apache-2.0
#include "src/image/required_keys.h"

#include "src/model/dimm_id.h"
#include "src/model/image_record.h"

namespace nvunlock {
namespace {

Result<void> AddBlob(const KeyStore& store, const BlobName& file, MachineKeys& keys) {
  keys.blobs[file.name] = TRY(store.ReadBlobText(file));
  Enc32Blob blob = TRY(store.ReadBlob(file));
  keys.needed.insert(blob.kek.KeyFileName());
  return {};
}

Result<void> AddKeyFile(const KeyStore& store, const KekName& kek, MachineKeys& keys) {
  std::set<std::string>& hashes = keys.hashes[kek.KeyFileName()];
  KeyFile file = TRY(store.ReadKeyFile(kek));
  for (bool with_passphrase : {false, true}) {
    hashes.insert(TRY(HashOfKeyFile(file, with_passphrase)));
  }
  return {};
}

void Note(const Result<void>& added, MachineKeys& keys) {
  if (!added) keys.problems.push_back(added.error().message);
}

}  // namespace

bool MachineKeys::IsKeyFile(const std::string& name, std::string_view text) const {
  auto known = hashes.find(name);
  Result<KeyFile> file = ParseKeyFile(text);
  if (known == hashes.end() || !file) return false;
  Result<std::string> hash = HashOfKeyFile(*file, /*with_passphrase=*/true);
  return hash && known->second.contains(*hash);
}

Result<MachineKeys> ReadMachineKeys(const KeyStore& store) {
  MachineKeys keys;
  std::set<DimmId> ids;
  for (const BlobName& file : TRY(store.AllBlobs())) {
    if (file.kind.role != PassphraseRole::kUser) continue;
    Note(AddBlob(store, file, keys), keys);
    if (file.kind.stage != BlobStage::kCurrent) continue;
    keys.has_rivals |= !ids.insert(file.dimm_id).second;
  }
  for (const KekName& kek : TRY(store.EnrolledKeks())) {
    Note(AddKeyFile(store, kek, keys), keys);
  }
  return keys;
}

}  // namespace nvunlock
