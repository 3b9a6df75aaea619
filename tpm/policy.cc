// SPDX-License-Identifier: Apache-2.0
#include "tpm/policy.h"

#include "tpm/rc.h"

namespace nvunlock {

Sha256Digest PolicyDigest(const Policy& policy) {
  Sha256Digest digest = {};
  if (policy.signed_pcrs) digest = DigestOf(*policy.signed_pcrs);
  if (policy.pcrs) digest = ExtendDigest(digest, *policy.pcrs);
  if (policy.latch) digest = ExtendDigest(digest, *policy.latch);
  if (policy.pin) digest = Sha256({digest, BigEndian(TPM2_CC_PolicyAuthValue, 4)});
  return digest;
}

Result<void> AssertPolicy(Tpm& tpm, ESYS_TR session, const Policy& policy) {
  if (policy.signed_pcrs) TRY(AssertSignedPolicy(tpm, session, *policy.signed_pcrs));
  if (policy.pcrs) TRY(AssertPcrPolicy(tpm, session, *policy.pcrs));
  if (policy.latch) TRY(AssertNvLatch(tpm, session, *policy.latch));
  if (policy.pin) {
    TRY_TPM("ask for the PIN",
            Esys_PolicyAuthValue(tpm.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE));
  }
  return {};
}

}  // namespace nvunlock
