// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/status/inspect_test.cc.
#ifndef NVUNLOCK_STATUS_STATUS_H_
#define NVUNLOCK_STATUS_STATUS_H_

#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/image/check_image.h"
#include "src/model/dimm.h"
#include "src/model/kek_name.h"
#include "src/model/recovery.h"
#include "src/status/predict_pcrs.h"
#include "tpm/lockout.h"

namespace nvunlock {

/// One thing that was looked at, for people and for programs.
struct Check {
  std::string subject;           ///< "storage root key"
  std::string state;             ///< what was found, in a few words
  std::optional<Error> problem;  ///< why it keeps the next boot from unlocking
};

/// The first of CHECKS that keeps the next boot from unlocking; nullptr when none does.
const Error* FirstProblem(const std::vector<Check>& checks);

/// A kind of boot that is approved. The next boot is one when no check has a problem.
struct BranchStatus {
  std::string description;
  std::vector<Check> checks;
  std::vector<PcrComparison> pcrs;
  std::vector<PcrComparison> signed_pcrs;
};

/// A way to the kek through the TPM. It opens when no check has a problem.
struct TpmSlotStatus {
  std::vector<Check> checks;  ///< in the order in which an unlock would meet their problems
  std::vector<BranchStatus> approved;
  Sha256Digest policy_digest = {};
  bool pin = false;
};

struct RecoverySlotStatus {
  RecoveryKind kind;
  std::string issuer;
};

struct KekStatus {
  KekName kek;
  std::string path;
  bool needed = false;               ///< by a blob
  std::optional<Error> unreadable;   ///< the key file is; nothing else is known then
  std::vector<TpmSlotStatus> slots;  ///< then those of `recovery`, as list-slots counts
  std::vector<RecoverySlotStatus> recovery;
  std::vector<Error> problems;  ///< with parts of the file
  std::string image;            ///< whether the image of this boot holds this file
  bool image_is_outdated = false;
};

/// The blob of a DIMM, or why there is none.
struct BlobStatus {
  DimmId dimm_id;
  std::string file;
  std::string kek;
  std::vector<Check> checks;
};

struct DimmStatus {
  Dimm dimm;
  std::optional<Error> problem;
};

/// All that `status` shows and `verify` judges. Nothing in it is secret.
struct MachineStatus {
  std::optional<Error> no_tpm;
  PcrSources pcrs;
  std::vector<KekStatus> keks;
  std::vector<BlobStatus> blobs;
  std::vector<DimmStatus> dimms;
  std::vector<ImageCheck> images;
  std::optional<LockoutState> lockout;  ///< looked at for PINs only
  std::optional<MemoryProtection> memory;
  std::vector<Error> problems;       ///< with the keys directory as a whole
  std::vector<std::string> remarks;  ///< that an admin should know of
};

}  // namespace nvunlock

#endif  // NVUNLOCK_STATUS_STATUS_H_
