// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/status/inspect_test.cc.
#ifndef NVUNLOCK_STATUS_INSPECT_BLOBS_H_
#define NVUNLOCK_STATUS_INSPECT_BLOBS_H_

#include <string>
#include <vector>

#include "src/image/image_state.h"
#include "src/os/keyring.h"
#include "src/records/unlock_record.h"
#include "src/status/status.h"

namespace nvunlock {

/// What blobs are looked at with.
struct BlobView {
  const KeyStore& store;
  std::string host;  ///< whose blobs are preferred
  Keyring keyring;   ///< where a kek may be at hand
  const ImageSources& images;
  const UnlockedWith& unlocked_with;
};

/// The blob that `unlock` would choose for each DIMM: whether it can be read, is the enrolled one,
/// opens with its kek as far as that is in the keyring, is in the image, and has unlocked the DIMM
/// in this boot. Remarks go to REMARKS.
Result<std::vector<BlobStatus>> InspectBlobs(const BlobView& view,
                                             std::vector<std::string>& remarks);

}  // namespace nvunlock

#endif  // NVUNLOCK_STATUS_INSPECT_BLOBS_H_
