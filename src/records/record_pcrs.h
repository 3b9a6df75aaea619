// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_RECORDS_RECORD_PCRS_H_
#define NVUNLOCK_RECORDS_RECORD_PCRS_H_

#include <optional>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/model/pcr_record.h"
#include "tpm/connection.h"

namespace nvunlock {

/// Leaves the PCRs of this moment, of every active bank, in the run directory for a later
/// `enroll`, and with them the public key and the PCR signatures that systemd-stub handed over. A
/// record that is there already stays: a later moment of the same boot tells less. Without a TPM
/// there is nothing to record, and that is a success.
Result<void> RecordPcrs(const Environment& environment, TpmConnection& tpm);

/// Whether there was a TPM to record in this boot.
bool PcrsAreRecorded(const Environment& environment);

/// What RecordPcrs left in this boot; nullopt when it left nothing.
Result<std::optional<PcrRecord>> ReadPcrRecord(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_RECORDS_RECORD_PCRS_H_
