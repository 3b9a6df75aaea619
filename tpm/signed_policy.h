// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_SIGNED_POLICY_H_
#define NVUNLOCK_TPM_SIGNED_POLICY_H_

#include <tss2/tss2_esys.h>

#include <optional>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/crypto/hash.h"
#include "src/crypto/rsa_key.h"
#include "tpm/pcr_policy.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// The longest policyRef: a TPM2B_NONCE holds no more.
inline constexpr size_t kPolicyReferenceLimit = 64;

/// The size of a TPM Name with SHA-256.
inline constexpr size_t kKeyNameSize = 34;

/// A policyDigest that a key has signed, together with a policyRef.
struct PolicySignature {
  Sha256Digest policy = {};
  Bytes signature;  ///< RSASSA-PKCS1-v1_5 with SHA-256
};

/// What may satisfy a SignedPolicy in this boot: each kernel brings its own.
struct PcrSignatures {
  std::vector<RsaKey> keys;
  std::vector<PolicySignature> signatures;  ///< by any of them, or by none
};

/// What TPM2_PolicyAuthorize asserts: that a key has signed the values that some PCRs hold now,
/// whichever these are.
struct SignedPolicy {
  TPML_PCR_SELECTION pcrs = {};
  Bytes key_name;   ///< see NameOfKey
  Bytes reference;  ///< policyRef, signed together with the values; may be empty
};

/// The Name of KEY as systemd describes it to a TPM.
Bytes NameOfKey(const RsaKey& key);

/// The policyDigest after TPM2_PolicyAuthorize (Part 3, section 23.16), computed without a TPM.
/// Whatever was asserted before is no longer in it.
Sha256Digest DigestOf(const SignedPolicy& policy);

/// The policyDigest that a signature is about: that of a PCR policy and nothing else.
Sha256Digest SignedDigest(const PcrPolicy& pcrs);

/// The one of KNOWN that is for the policyDigest SIGNED, by the key and for the policyRef of
/// POLICY, with that key; nullopt when there is none.
struct VerifiedSignature {
  const RsaKey* key;
  const PolicySignature* signature;
};
std::optional<VerifiedSignature> FindSignature(const SignedPolicy& policy,
                                               const Sha256Digest& signed_digest,
                                               const PcrSignatures& known);

/// Runs TPM2_PolicyPCR, LoadExternal, VerifySignature and PolicyAuthorize in SESSION, which must be
/// new. Fails with kNoSignature when none of KNOWN is for the values that the PCRs hold.
Result<void> AssertSignedPolicy(Tpm& tpm, ESYS_TR session, const SignedPolicy& policy,
                                const PcrSignatures& known);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_SIGNED_POLICY_H_
