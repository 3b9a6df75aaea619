// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_MODEL_PCR_RECORD_H_
#define NVUNLOCK_MODEL_PCR_RECORD_H_

#include <map>
#include <string>
#include <string_view>

#include "src/base/result.h"
#include "tpm/pcr.h"

namespace nvunlock {

/// The file in the run directory in which `unlock` leaves a PcrRecord.
inline constexpr char kPcrRecordFile[] = "pcrs.json";

/// "sha256" to its PCRs.
using PcrBanks = std::map<std::string, PcrValues>;

/// The PCRs as they were when the DIMMs were unlocked in this boot. Later values tell less: the
/// booting system extends some.
struct PcrRecord {
  bool in_initramfs = false;  ///< else `unlock` first ran in the booted system
  PcrBanks banks;
};

std::string FormatPcrRecord(const PcrRecord& record);
Result<PcrRecord> ParsePcrRecord(std::string_view json);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_PCR_RECORD_H_
