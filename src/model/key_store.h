// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_MODEL_KEY_STORE_H_
#define NVUNLOCK_MODEL_KEY_STORE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/base/result.h"
#include "src/model/blob_name.h"
#include "src/model/enc32.h"
#include "src/model/key_file.h"

namespace nvunlock {

/// The keys directory, ndctl's and ours: blobs, key files, and ndctl's kek in clear.
class KeyStore {
 public:
  explicit KeyStore(std::string directory) : directory_(std::move(directory)) {}

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string PathOf(const std::string& name) const {
    return directory_ + "/" + name;
  }

  /// All passphrase blobs, sorted by name. A missing directory holds none. A staged or replaced
  /// blob that is empty does not count: in an image nothing can be deleted, only emptied.
  [[nodiscard]] Result<std::vector<BlobName>> AllBlobs() const;

  /// Those of one kind.
  [[nodiscard]] Result<std::vector<BlobName>> Blobs(BlobKind kind = {}) const;

  /// The keks that have a key file, going by its name.
  [[nodiscard]] Result<std::vector<KekName>> EnrolledKeks() const;

  [[nodiscard]] Result<std::string> ReadBlobText(const BlobName& file) const;
  [[nodiscard]] Result<Enc32Blob> ReadBlob(const BlobName& file) const;

  /// The key file of a kek; kBadKeyFile when it is missing or damaged, or holds another kek.
  [[nodiscard]] Result<KeyFile> ReadKeyFile(const KekName& kek) const;

 private:
  std::string directory_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_KEY_STORE_H_
