// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_KEYS_SELECT_BLOBS_H_
#define NVUNLOCK_KEYS_SELECT_BLOBS_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/blob_record.h"
#include "src/model/key_store.h"

namespace nvunlock {

/// A blob that may hold a DIMM's passphrase.
struct Candidate {
  BlobName file;
  Enc32Blob blob;
  bool recorded = false;  ///< for this DIMM
};

/// The blob that is to unlock a DIMM.
struct ChosenBlob : Candidate {
  /// What the DIMM has if it refuses the first: a change of its passphrase was cut short after the
  /// DIMM had taken it, or the first is an older one.
  std::optional<Candidate> spare;
};

/// A blob's file, and what it holds or why it is of no use.
struct FoundBlob {
  BlobName file;
  std::string hash;  ///< HashOfBlob
  Result<Enc32Blob> blob;
};

/// The files of each DIMM, by canonical id.
using FoundBlobs = std::map<DimmId, std::vector<FoundBlob>>;

/// One blob, or one reason why there is none, for each DIMM id (canonical) that has files or is
/// recorded.
struct BlobChoice {
  std::map<DimmId, ChosenBlob> chosen;
  std::map<DimmId, Error> unusable;
  std::map<DimmId, Error> missing;  ///< they are recorded and have no file
  std::vector<std::string> notes;   ///< choices that an admin should know of
};

/// By what blobs are chosen.
struct ChoiceRules {
  std::string directory;  ///< for words
  std::string host;       ///< whose blobs come first
  PassphraseRole role = PassphraseRole::kUser;
};

/// The blobs of RULES' role in STORE: current before staged before replaced ones, and those of its
/// host first.
Result<FoundBlobs> FindBlobs(const KeyStore& store, const ChoiceRules& rules);

/// Chooses among the blobs of each DIMM. One that RECORDED gives to another DIMM is refused. The
/// recorded ones of this DIMM come first, in the order in which they were found. One that is not
/// recorded comes after them: the host's, else the only one. Where these differ, none of them is
/// used: a wrong one would burn an unlock attempt. The second in line is the spare.
BlobChoice ChooseAmong(const FoundBlobs& found, const RecordedBlobs& recorded,
                       const ChoiceRules& rules);

/// The same with what is in STORE now.
Result<BlobChoice> ChooseBlobs(const KeyStore& store, const std::string& host,
                               const RecordedBlobs& recorded,
                               PassphraseRole role = PassphraseRole::kUser);

}  // namespace nvunlock

#endif  // NVUNLOCK_KEYS_SELECT_BLOBS_H_
