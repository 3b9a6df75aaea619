// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_MODEL_BLOB_RECORD_H_
#define NVUNLOCK_MODEL_BLOB_RECORD_H_

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/model/enc32.h"
#include "src/model/key_store.h"

namespace nvunlock {

/// The file in the keys directory that holds the record of blobs.
inline constexpr char kEnrolledDimmsFile[] = "enrolled-dimms";

/// Whose passphrase a blob holds. Each line has a MAC of its own, under a key derived from the
/// blob's kek: it says what it says whatever else is in the file, and wherever it comes from.
struct RecordLine {
  std::string passphrase;  ///< PassphraseName
  std::string hash;        ///< HashOfBlob
  std::string kek;         ///< that wraps the blob
  std::string mac;

  [[nodiscard]] std::string ToString() const;
  bool operator==(const RecordLine&) const = default;
};

/// A file of lines, in any order; of one passphrase there may be several.
struct BlobRecord {
  std::vector<RecordLine> lines;
  size_t damaged = 0;  ///< how many others are no such lines
};

/// The SHA-256 of a blob's text in hex.
std::string HashOfBlob(std::string_view blob_text);

/// The name by which the record knows a DIMM's passphrase: as the kernel's key, with the canonical
/// id.
std::string PassphraseName(PassphraseRole role, const DimmId& dimm_id);

/// The line that says that BLOB, which KEK wraps, holds PASSPHRASE.
Result<RecordLine> MakeRecordLine(const std::string& passphrase, const Enc32Blob& blob,
                                  const Secret& kek);

/// Whether the line was made with KEK.
Result<bool> IsAuthentic(const RecordLine& line, const Secret& kek);

/// nullopt when it is none; whether it is authentic is another question.
std::optional<RecordLine> ParseRecordLine(std::string_view text);

BlobRecord ParseBlobRecord(std::string_view text);
std::string FormatBlobRecord(const std::vector<RecordLine>& lines);

/// Lines that are known to be authentic.
class RecordedBlobs {
 public:
  void Add(RecordLine line) { lines_.push_back(std::move(line)); }

  [[nodiscard]] const std::vector<RecordLine>& lines() const { return lines_; }

  /// The names of the passphrases that BLOB is recorded for.
  [[nodiscard]] std::set<std::string> PassphrasesOf(const Enc32Blob& blob) const;

 private:
  std::vector<RecordLine> lines_;
};

/// Adds the lines of RECORD under the kek NAME to RECORDED, as far as they were made with KEK.
/// Returns how many were not.
Result<size_t> AddAuthentic(const BlobRecord& record, const KekName& name, const Secret& kek,
                            RecordedBlobs& recorded);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_BLOB_RECORD_H_
