// SPDX-License-Identifier: Apache-2.0
#include "tpm/policy.h"

#include "tpm/rc.h"

namespace nvunlock {

Sha256Digest PolicyDigest(const Policy& policy) {
  Sha256Digest digest = ExtendDigest(DigestOf(policy.index), policy.latch);
  if (policy.pin) digest = Sha256({digest, BigEndian(TPM2_CC_PolicyAuthValue, 4)});
  return digest;
}

Result<AssertedBranch> AssertPolicy(Tpm& tpm, ESYS_TR session, const Policy& policy,
                                    const PcrSignatures& signatures) {
  AssertedBranch asserted;
  Bytes contents = TRY(ReadPolicyIndex(tpm, ESYS_TR_PASSWORD, policy.index));
  asserted.approval = TRY(DecodeApproval(contents));
  asserted.branch = TRY(AssertApproval(tpm, session, asserted.approval, signatures));
  TRY(AssertPolicyIndex(tpm, session, policy.index));
  TRY(AssertNvLatch(tpm, session, policy.latch));
  if (policy.pin) {
    TRY_TPM("ask for the PIN",
            Esys_PolicyAuthValue(tpm.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE));
  }
  return asserted;
}

}  // namespace nvunlock
