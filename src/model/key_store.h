#ifndef NVUNLOCK_MODEL_KEY_STORE_H_
#define NVUNLOCK_MODEL_KEY_STORE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/base/result.h"
#include "src/model/dimm_id.h"
#include "src/model/enc32.h"
#include "src/model/key_file.h"

namespace nvunlock {

/// Which of a DIMM's passphrases: the one that unlocks it, or the master passphrase, which erases.
enum class PassphraseRole { kUser, kMaster };

/// While a passphrase is changed there are two: no power cut may leave a DIMM without its own.
enum class BlobStage {
  kCurrent,
  kStaged,   ///< ours: what the DIMM may have by now
  kReplaced  ///< ndctl's: what the DIMM may still have
};

/// What a blob is of.
struct BlobKind {
  PassphraseRole role = PassphraseRole::kUser;
  BlobStage stage = BlobStage::kCurrent;

  /// The word that files and keys of the kind begin with, such as "nvdimm-master-old".
  [[nodiscard]] const char* ToWord() const;

  /// The key of a DIMM in the kernel, such as nvdimm-master-old:ID.
  [[nodiscard]] std::string KeyDescription(const DimmId& dimm_id) const;

  bool operator==(const BlobKind&) const = default;
};

/// A passphrase blob's file, nvdimm_ID_HOST.blob as ndctl names it.
struct BlobFile {
  std::string name;
  DimmId dimm_id;
  std::string host;  ///< may be anything, also hold "_"
  BlobKind kind = {};
};

/// nullopt unless NAME is that of a passphrase blob: not the kek, not a copy under another suffix.
std::optional<BlobFile> ParseBlobFileName(const std::string& name);

/// The file for the blob of a DIMM.
BlobFile NameBlobFile(BlobKind kind, const DimmId& dimm_id, const std::string& host);

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
  [[nodiscard]] Result<std::vector<BlobFile>> AllBlobs() const;

  /// Those of one kind.
  [[nodiscard]] Result<std::vector<BlobFile>> Blobs(BlobKind kind = {}) const;

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
