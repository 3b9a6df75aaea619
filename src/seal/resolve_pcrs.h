// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_SEAL_RESOLVE_PCRS_H_
#define NVUNLOCK_SEAL_RESOLVE_PCRS_H_

#include <optional>

#include "src/base/result.h"
#include "src/model/pcr_record.h"
#include "src/model/pcr_terms.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// The PCRs that shall be approved.
struct ResolvedPcrs {
  const PcrBank* bank = nullptr;
  PcrTerms terms;                   ///< those asked for, or chosen
  std::optional<PcrValues> values;  ///< nullopt: this boot left no record of one that has changed
};

/// What else counts towards a policy that a thief's boot does not satisfy.
struct Coverage {
  bool weak_policy = false;   ///< none is wanted
  bool by_signature = false;  ///< signed PCRs give it
  bool choose = false;        ///< where no PCRs are named
  bool secure_boot = false;
};

/// Finds a bank and a value for each of TERMS: the digest given, else the value that `unlock`
/// recorded in this boot, else the current one where that will do. Without TERMS ChoosePcrs may
/// choose. Refuses inactive banks, banks into which nothing has been measured and what
/// CheckCoversBoot refuses.
Result<ResolvedPcrs> ResolvePcrs(Tpm& tpm, const PcrTerms& terms,
                                 const std::optional<PcrRecord>& record, const Coverage& coverage);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_RESOLVE_PCRS_H_
