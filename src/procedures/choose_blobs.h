#ifndef NVUNLOCK_PROCEDURES_CHOOSE_BLOBS_H_
#define NVUNLOCK_PROCEDURES_CHOOSE_BLOBS_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/enrolled_dimms.h"
#include "src/model/key_store.h"

namespace nvunlock {

/// A blob that may hold a DIMM's passphrase.
struct Candidate {
  BlobFile file;
  Enc32Blob blob;
};

/// The blob that is to unlock a DIMM.
struct ChosenBlob : Candidate {
  /// What the DIMM has when a change of its passphrase was cut short after the DIMM had taken it.
  std::optional<Candidate> spare;
};

/// One blob, or one reason why there is none, for each DIMM id (canonical) that has blobs or is
/// enrolled.
struct BlobChoice {
  std::map<std::string, ChosenBlob> chosen;
  std::map<std::string, Error> unusable;
  std::vector<std::string> notes;  ///< choices that an admin should know of
};

/// Chooses among the blobs of ROLE. Where several are for one DIMM, that of HOST wins, then the one
/// in ENROLLED; otherwise, and where HOST has several that differ, none is chosen: a wrong one
/// would burn an unlock attempt. A blob that ENROLLED gives to another DIMM is refused. A staged
/// blob, else ndctl's replaced one, is the spare, and takes the place of one that is missing or
/// damaged, but does not decide between several.
Result<BlobChoice> ChooseBlobs(const KeyStore& store, const std::string& host,
                               const std::optional<EnrolledDimms>& enrolled,
                               PassphraseRole role = PassphraseRole::kUser);

}  // namespace nvunlock

#endif  // NVUNLOCK_PROCEDURES_CHOOSE_BLOBS_H_
