// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_MODEL_BLOB_NAME_H_
#define NVUNLOCK_MODEL_BLOB_NAME_H_

#include <optional>
#include <string>
#include <string_view>

#include "src/model/dimm_id.h"

namespace nvunlock {

/// The end of the names of blobs, of ndctl's kek in clear, and of some firmware.
inline constexpr std::string_view kBlobSuffix = ".blob";

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

/// The name of a passphrase blob's file, nvdimm_ID_HOST.blob as ndctl has it, and what it says.
struct BlobName {
  std::string name;
  DimmId dimm_id;
  std::string host;  ///< may be anything, also hold "_"
  BlobKind kind = {};
};

/// nullopt unless NAME is that of a passphrase blob: not the kek, not a copy under another suffix.
std::optional<BlobName> ParseBlobName(const std::string& name);

/// The file for the blob of a DIMM.
BlobName MakeBlobName(BlobKind kind, const DimmId& dimm_id, const std::string& host);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_BLOB_NAME_H_
