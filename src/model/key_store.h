#ifndef NVUNLOCK_MODEL_KEY_STORE_H_
#define NVUNLOCK_MODEL_KEY_STORE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/base/result.h"
#include "src/model/enc32.h"
#include "src/model/key_file.h"

namespace nvunlock {

/// A passphrase blob's file, nvdimm_ID_HOST.blob as ndctl names it.
struct BlobFile {
  std::string name;
  std::string dimm_id;  ///< as the file name spells it
  std::string host;     ///< may be anything, also hold "_"
};

/// nullopt unless NAME is that of a user passphrase blob: not a master or an old passphrase, not
/// the kek, not a copy under another suffix.
std::optional<BlobFile> ParseBlobFileName(const std::string& name);

/// The keys directory, ndctl's and ours: blobs, key files, and ndctl's kek in clear.
class KeyStore {
 public:
  explicit KeyStore(std::string directory) : directory_(std::move(directory)) {}

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string PathOf(const std::string& name) const {
    return directory_ + "/" + name;
  }

  /// All user passphrase blobs, sorted by name. A missing directory holds none.
  [[nodiscard]] Result<std::vector<BlobFile>> Blobs() const;

  /// The keks that have a key file, going by its name.
  [[nodiscard]] Result<std::vector<KekName>> EnrolledKeks() const;

  [[nodiscard]] Result<std::string> ReadBlobText(const BlobFile& file) const;
  [[nodiscard]] Result<Enc32Blob> ReadBlob(const BlobFile& file) const;

  /// The key file of a kek; kBadKeyFile when it is missing or damaged, or holds another kek.
  [[nodiscard]] Result<KeyFile> ReadKeyFile(const KekName& kek) const;

 private:
  std::string directory_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_KEY_STORE_H_
