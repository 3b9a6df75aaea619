// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_PCR_H_
#define NVUNLOCK_TPM_PCR_H_

#include <tss2/tss2_esys.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "tpm/tpm.h"

namespace nvunlock {

inline constexpr unsigned kPcrCount = 24;

/// A hash algorithm of a PCR bank: "sha256" is TPM2_ALG_SHA256.
struct PcrBank {
  TPM2_ALG_ID algorithm;
  const char* name;
  size_t digest_size;
};

/// The banks we know, preferred ones first.
const std::vector<PcrBank>& KnownPcrBanks();

/// nullptr for a name or algorithm that we do not know.
const PcrBank* FindPcrBank(std::string_view name);
const PcrBank* FindPcrBank(TPM2_ALG_ID algorithm);

/// PCR index to value, all of one bank.
using PcrValues = std::map<unsigned, Bytes>;

/// A TPML_PCR_SELECTION entry that selects the PCRs of MASK (bit n: PCR n) in BANK.
TPMS_PCR_SELECTION SelectPcrs(const PcrBank& bank, uint32_t mask);

/// The mask of a selection entry.
uint32_t MaskOf(const TPMS_PCR_SELECTION& selection);

/// The known banks in which the TPM has all 24 PCRs allocated. The answer is authentic where
/// SESSION is a salted one for audit.
Result<std::vector<const PcrBank*>> ActivePcrBanks(Tpm& tpm, ESYS_TR session = ESYS_TR_NONE);

/// The current values of the PCRs of MASK; SESSION as for ActivePcrBanks. Fails when the bank is
/// inactive, or when PCRs kept changing while they were read.
Result<PcrValues> ReadPcrs(Tpm& tpm, const PcrBank& bank, uint32_t mask,
                           ESYS_TR session = ESYS_TR_NONE);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_PCR_H_
