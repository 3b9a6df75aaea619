// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_STATUS_PREDICT_PCRS_H_
#define NVUNLOCK_STATUS_PREDICT_PCRS_H_

#include <optional>
#include <string>
#include <vector>

#include "src/model/environment.h"
#include "src/model/key_file.h"
#include "src/model/pcr_record.h"
#include "src/unlock/load_keys.h"

namespace nvunlock {

/// All that is known of PCR values, each from where it is known.
struct PcrSources {
  std::optional<PcrRecord> recorded;  ///< by `unlock` in this boot
  PcrBanks predicted;                 ///< replayed from the firmware's event log; may be empty
  unsigned events = 0;                ///< of that log
  PcrBanks current;                   ///< of the active banks; empty without a TPM
  std::vector<std::string> notes;     ///< what could not be used, and why
};

/// Asks the TPM, the record in the run directory and the event log. What is not there is no error.
PcrSources GatherPcrs(const Environment& environment, TpmConnection& tpm);

/// By what it is judged what a PCR will hold when the next boot unlocks, most trusted first.
enum class PcrBasis {
  kRecorded,   ///< that moment of this boot, or one after which such a PCR does not change
  kPredicted,  ///< the event log of this boot
  kCurrent,    ///< now, for want of anything better
  kNothing,
};

/// A PCR that a policy asserts, with its values side by side.
struct PcrComparison {
  const PcrBank* bank = nullptr;
  unsigned pcr = 0;
  std::optional<Bytes> approved;  ///< the beginning of the value, where one is approved
  std::optional<Bytes> recorded;
  std::optional<Bytes> predicted;
  std::optional<Bytes> current;
  std::optional<Bytes> expected;  ///< at the next unlock
  PcrBasis basis = PcrBasis::kNothing;
};

/// The PCRs that POLICY asserts by their values.
std::vector<PcrComparison> ComparePcrs(const PcrPolicy& policy, const PcrSources& sources);

/// The PCRs whose values POLICY wants signed; none has an approved value.
std::vector<PcrComparison> ComparePcrs(const SignedPolicy& policy, const PcrSources& sources);

/// The policy of SELECTION that will hold at the next unlock; nullopt when a value is not known.
std::optional<PcrPolicy> ExpectedPolicy(const TPML_PCR_SELECTION& selection,
                                        const std::vector<PcrComparison>& pcrs);

}  // namespace nvunlock

#endif  // NVUNLOCK_STATUS_PREDICT_PCRS_H_
