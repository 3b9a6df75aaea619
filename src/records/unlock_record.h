// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/passphrase/operation_records_test.cc.
#ifndef NVUNLOCK_RECORDS_UNLOCK_RECORD_H_
#define NVUNLOCK_RECORDS_UNLOCK_RECORD_H_

#include <map>
#include <optional>
#include <string>

#include "src/base/result.h"
#include "src/keys/select_blobs.h"
#include "src/model/environment.h"

namespace nvunlock {

/// The blob whose passphrase a DIMM took in this boot.
struct UnlockedBlob {
  std::string hash;     ///< HashOfBlob
  bool frozen = false;  ///< the DIMM was frozen at once, so that it still has this passphrase

  /// HashOfBlob of the same passphrase under another kek; empty: there is none. The keys directory
  /// holds the one or, once it is written, the other.
  std::string rewrapped = "";

  /// What the record of blobs is to say of it; nullopt where nothing is known of its kek.
  std::optional<RecordLine> line = std::nullopt;

  /// Whether a blob with HashOfBlob HASH_OF_ONE has this passphrase.
  [[nodiscard]] bool Is(const std::string& hash_of_one) const {
    return hash == hash_of_one || (!rewrapped.empty() && rewrapped == hash_of_one);
  }
};

/// By canonical DIMM id.
using UnlockedWith = std::map<DimmId, UnlockedBlob>;

/// Leaves it in the run directory, for `settle` and for who changes passphrases.
Result<void> WriteUnlockedWith(const Environment& environment, const UnlockedWith& blobs);

/// A DIMM (canonical id) of the record has another passphrase by now, that of the blob with
/// HashOfBlob HASH; empty: none.
Result<void> RecordChange(const Environment& environment, const DimmId& id,
                          const std::string& hash);

/// Empty when `unlock` has left nothing, or nothing that can be read.
UnlockedWith ReadUnlockedWith(const Environment& environment);

/// Whether, as far as BLOBS tell, the DIMM ID was unlocked with CANDIDATE.
bool HasUnlocked(const UnlockedWith& blobs, const DimmId& id, const Candidate& candidate);

}  // namespace nvunlock

#endif  // NVUNLOCK_RECORDS_UNLOCK_RECORD_H_
