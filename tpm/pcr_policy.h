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

/// What TPM2_PolicyPCR asserts: that the selected PCRs hold values with this digest.
struct PcrPolicy {
  TPML_PCR_SELECTION pcrs = {};
  Sha256Digest pcr_digest = {};
};

/// The policy that the PCRs of one bank hold VALUES.
PcrPolicy PolicyForValues(const PcrBank& bank, const PcrValues& values);

/// The policyDigest DIGEST after TPM2_PolicyPCR (Part 3, section 23.7), computed without a TPM.
Sha256Digest ExtendDigest(const Sha256Digest& digest, const PcrPolicy& policy);

/// The commandPolicy of a TPMPolicy element (ASN.1 Specification for TPM 2.0 Key Files):
/// TPML_PCR_SELECTION and then the digest without a size, as tpm2-openssl writes and reads it.
Bytes EncodePcrPolicy(const PcrPolicy& policy);
Result<PcrPolicy> DecodePcrPolicy(ByteView body);

/// Runs TPM2_PolicyPCR in SESSION. Fails with kPolicyMismatch when the PCRs hold other values.
Result<void> AssertPcrPolicy(Tpm& tpm, ESYS_TR session, const PcrPolicy& policy);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_PCR_POLICY_H_
