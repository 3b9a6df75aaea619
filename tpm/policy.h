#ifndef NVUNLOCK_TPM_POLICY_H_
#define NVUNLOCK_TPM_POLICY_H_

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

/// The policyDigest of an object that only this policy opens (Part 3, TPM2_PolicyPCR), computed
/// without a TPM.
Sha256Digest PolicyDigest(const PcrPolicy& policy);

/// The commandPolicy of a TPMPolicy element (ASN.1 Specification for TPM 2.0 Key Files):
/// TPML_PCR_SELECTION and then the digest without a size, as tpm2-openssl writes and reads it.
Bytes EncodePcrPolicy(const PcrPolicy& policy);
Result<PcrPolicy> DecodePcrPolicy(ByteView body);

/// Runs TPM2_PolicyPCR in SESSION. Fails with kPolicyMismatch when the PCRs hold other values.
Result<void> AssertPolicy(Tpm& tpm, ESYS_TR session, const PcrPolicy& policy);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_POLICY_H_
