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

/// The blob that is to unlock a DIMM.
struct ChosenBlob {
  BlobFile file;
  Enc32Blob blob;
};

/// One blob, or one reason why there is none, for each DIMM id (canonical) that has blobs or is
/// enrolled.
struct BlobChoice {
  std::map<std::string, ChosenBlob> chosen;
  std::map<std::string, Error> unusable;
  std::vector<std::string> notes;  ///< choices that an admin should know of
};

/// Where several blobs are for one DIMM, that of HOST wins, then the one in ENROLLED; otherwise
/// none is chosen: a wrong one would burn an unlock attempt. A blob that ENROLLED gives to another
/// DIMM is refused.
Result<BlobChoice> ChooseBlobs(const KeyStore& store, const std::string& host,
                               const std::optional<EnrolledDimms>& enrolled);

}  // namespace nvunlock

#endif  // NVUNLOCK_PROCEDURES_CHOOSE_BLOBS_H_
