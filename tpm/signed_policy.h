// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_SIGNED_POLICY_H_
#define NVUNLOCK_TPM_SIGNED_POLICY_H_

#include <tss2/tss2_esys.h>

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

/// A policyDigest that a key has signed, together with a policyRef.
struct PolicySignature {
  Sha256Digest policy = {};
  Bytes signature;  ///< RSASSA-PKCS1-v1_5 with SHA-256
};

/// What TPM2_PolicyAuthorize asserts: that `key` has signed the values that some PCRs hold now,
/// whichever these are.
struct SignedPolicy {
  TPML_PCR_SELECTION pcrs = {};
  RsaKey key;
  Bytes reference;  ///< policyRef, signed together with the values; may be empty

  /// What `key` has signed, as far as is known now. Not part of the policy, and in no key file:
  /// each kernel brings its own.
  std::vector<PolicySignature> signatures;
};

/// The policyDigest after TPM2_PolicyAuthorize (Part 3, section 23.16), computed without a TPM.
/// Whatever was asserted before is no longer in it.
Sha256Digest DigestOf(const SignedPolicy& policy);

/// The policyDigest that a signature is about: that of a PCR policy and nothing else.
Sha256Digest ApprovedDigest(const PcrPolicy& pcrs);

/// Whether SIGNATURE is by the key of POLICY and for its policyRef.
bool IsSignedFor(const SignedPolicy& policy, const PolicySignature& signature);

/// The body of a PolicyAuthorize element (ASN.1 Specification for TPM 2.0 Key Files): TPM2B_PUBLIC,
/// the policyRef as TPM2B_DIGEST, and a TPMT_SIGNATURE of TPM_ALG_NULL. The PCRs are in a PolicyPCR
/// element before it, whose digest is left out, since any will do.
Bytes EncodeAuthorization(const SignedPolicy& policy);
Bytes EncodeSelection(const TPML_PCR_SELECTION& pcrs);
Result<SignedPolicy> DecodeSignedPolicy(ByteView selection, ByteView authorization);

/// Runs TPM2_PolicyPCR, LoadExternal, VerifySignature and PolicyAuthorize in SESSION, which must be
/// new. Fails with kNoSignature when no signature is for the values that the PCRs hold.
Result<void> AssertSignedPolicy(Tpm& tpm, ESYS_TR session, const SignedPolicy& policy);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_SIGNED_POLICY_H_
