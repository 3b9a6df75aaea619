// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_PCR_POLICY_H_
#define NVUNLOCK_TPM_PCR_POLICY_H_

#include <tss2/tss2_esys.h>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/crypto/hash.h"
#include "tpm/pcr.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// How much of each value is kept, to tell people which PCR differs.
inline constexpr size_t kBeginningSize = 6;

/// What TPM2_PolicyPCR asserts: that the selected PCRs hold values with this digest.
struct PcrPolicy {
  TPML_PCR_SELECTION pcrs = {};
  Sha256Digest pcr_digest = {};
  Bytes beginnings;  ///< of the values, in the order of the PCRs; asserts nothing, may be empty
};

/// The policy that the PCRs of one bank hold VALUES.
PcrPolicy PolicyForValues(const PcrBank& bank, const PcrValues& values);

/// "PCR 4, 9 (sha256)": those whose values differ, as far as that can be told from their
/// beginnings; empty when none does, or when they are not of the same PCRs.
std::string DescribeDifference(const PcrPolicy& one, const PcrPolicy& other);

/// The policyDigest DIGEST after TPM2_PolicyPCR (Part 3, section 23.7), computed without a TPM.
Sha256Digest ExtendDigest(const Sha256Digest& digest, const PcrPolicy& policy);

/// TPML_PCR_SELECTION as a TPM writes it.
Bytes MarshalSelection(const TPML_PCR_SELECTION& pcrs);

/// Runs TPM2_PolicyPCR in SESSION. Fails with kPolicyMismatch when the PCRs hold other values, and
/// names those of which it can be told.
Result<void> AssertPcrPolicy(Tpm& tpm, ESYS_TR session, const PcrPolicy& policy);

/// Runs TPM2_PolicyPCR in SESSION for whatever the PCRs hold now.
Result<void> AssertCurrentPcrs(Tpm& tpm, ESYS_TR session, const TPML_PCR_SELECTION& pcrs);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_PCR_POLICY_H_
