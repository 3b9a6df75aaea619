// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_POLICY_INDEX_H_
#define NVUNLOCK_TPM_POLICY_INDEX_H_

#include <tss2/tss2_esys.h>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/crypto/hash.h"
#include "tpm/nv_index.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// The size of a policy index. TPMs write at least so much with one command, and a power cut must
/// not leave half of it.
inline constexpr uint16_t kPolicyIndexSize = 512;

/// An NV index whose first bytes are the policy that is approved, as TPMT_HA, for
/// TPM2_PolicyAuthorizeNV. Anybody may read it, only an update key writes it. Whoever owns the TPM
/// can undefine it or make it anew, but not write it, and one that was never written authorizes
/// nothing.
struct PolicyIndex {
  TPM2B_NV_PUBLIC area = {};  ///< as written; its Name is in the policy of what is sealed
};

/// Fails with kUnsupported unless the TPM has TPM2_PolicyAuthorizeNV.
Result<void> CheckAuthorizesByNv(Tpm& tpm);

/// What INDEX holds. Authentic where AUTHORIZATION is a salted session and not ESYS_TR_PASSWORD.
/// Fails with kLatchGone where the TPM has no such index, or nobody has written it.
Result<Bytes> ReadPolicyIndex(Tpm& tpm, ESYS_TR authorization, const PolicyIndex& index);

/// The policyDigest after TPM2_PolicyAuthorizeNV (Part 3, section 23.22), computed without a TPM.
/// Whatever was asserted before is no longer in it.
Sha256Digest DigestOf(const PolicyIndex& index);

/// Runs TPM2_PolicyAuthorizeNV in SESSION. Fails with kPolicyMismatch when what was asserted there
/// is not what INDEX holds, and with kLatchGone as ReadPolicyIndex does.
Result<void> AssertPolicyIndex(Tpm& tpm, ESYS_TR session, const PolicyIndex& index);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_POLICY_INDEX_H_
