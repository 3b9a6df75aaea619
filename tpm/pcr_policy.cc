// SPDX-License-Identifier: Apache-2.0
#include "tpm/pcr_policy.h"

#include <tss2/tss2_mu.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "tpm/rc.h"

namespace nvunlock {
PcrPolicy PolicyForValues(const PcrBank& bank, const PcrValues& values) {
  uint32_t mask = 0;
  Bytes concatenated;
  for (const auto& [pcr, value] : values) {
    mask |= 1U << pcr;
    concatenated.insert(concatenated.end(), value.begin(), value.end());
  }
  PcrPolicy policy;
  policy.pcrs.count = 1;
  policy.pcrs.pcrSelections[0] = SelectPcrs(bank, mask);
  policy.pcr_digest = Sha256({concatenated});
  return policy;
}

Sha256Digest ExtendDigest(const Sha256Digest& digest, const PcrPolicy& policy) {
  Bytes body = EncodePcrPolicy(policy);
  return Sha256({digest, BigEndian(TPM2_CC_PolicyPCR, 4), body});
}

Bytes EncodePcrPolicy(const PcrPolicy& policy) {
  Bytes body(sizeof(TPML_PCR_SELECTION));
  size_t size = 0;
  Tss2_MU_TPML_PCR_SELECTION_Marshal(&policy.pcrs, body.data(), body.size(), &size);
  body.resize(size);
  body.insert(body.end(), policy.pcr_digest.begin(), policy.pcr_digest.end());
  return body;
}

Result<PcrPolicy> DecodePcrPolicy(ByteView body) {
  PcrPolicy policy;
  size_t size = 0;
  TSS2_RC rc = Tss2_MU_TPML_PCR_SELECTION_Unmarshal(body.data(), body.size(), &size, &policy.pcrs);
  if (rc != TSS2_RC_SUCCESS || body.size() - size != policy.pcr_digest.size()) {
    return Fail(Errc::kBadKeyFile, "its PCR policy is malformed");
  }
  std::copy(body.begin() + static_cast<ptrdiff_t>(size), body.end(), policy.pcr_digest.begin());
  return policy;
}

Result<void> AssertPcrPolicy(Tpm& tpm, ESYS_TR session, const PcrPolicy& policy) {
  TPM2B_DIGEST digest = {.size = static_cast<UINT16>(policy.pcr_digest.size()), .buffer = {}};
  std::copy(policy.pcr_digest.begin(), policy.pcr_digest.end(), digest.buffer);
  TSS2_RC rc = Esys_PolicyPCR(tpm.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                              &digest, &policy.pcrs);
  // The TPM compares the digest that it is given: the answer is "bad parameter value".
  if (WithoutPosition(rc) == TPM2_RC_VALUE) {
    return Fail(Errc::kPolicyMismatch, "the PCRs do not hold the enrolled values");
  }
  TRY_TPM("assert the PCR policy", rc);
  return {};
}

}  // namespace nvunlock
