// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_SEAL_RESOLVE_PCRS_H_
#define NVUNLOCK_SEAL_RESOLVE_PCRS_H_

#include <optional>

#include "src/base/result.h"
#include "src/model/pcr_record.h"
#include "src/model/pcr_terms.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// The PCR values that a new slot shall be bound to.
struct ResolvedPcrs {
  const PcrBank* bank = nullptr;
  PcrValues values;
  bool hold_now = false;  ///< the TPM's PCRs have these very values at this moment
};

/// Finds a bank and a value for each of TERMS: the digest given, else the value that `unlock`
/// recorded in this boot, else the current one where that will do. Refuses inactive banks, banks
/// into which nothing has been measured and, unless WEAK_POLICY, selections that depend on neither
/// the initrd nor the kernel command line. Without any TERMS only a bank is found.
Result<ResolvedPcrs> ResolvePcrs(Tpm& tpm, const PcrTerms& terms,
                                 const std::optional<PcrRecord>& record, bool weak_policy);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_RESOLVE_PCRS_H_
