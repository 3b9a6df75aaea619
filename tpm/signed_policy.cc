// SPDX-License-Identifier: Apache-2.0
#include "tpm/signed_policy.h"

#include <algorithm>
#include <cstring>

#include "tpm/rc.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

constexpr char kAssert[] = "assert the signed policy";
constexpr UINT32 kDefaultExponent = 65537;  // a TPM writes it as 0

/// As systemd describes such keys to a TPM, so that both mean the same object.
TPM2B_PUBLIC AreaOf(const RsaKey& key) {
  TPM2B_PUBLIC area = {};
  TPMT_PUBLIC& rsa = area.publicArea;
  rsa.type = TPM2_ALG_RSA;
  rsa.nameAlg = TPM2_ALG_SHA256;
  rsa.objectAttributes = TPMA_OBJECT_DECRYPT | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_USERWITHAUTH;
  rsa.parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_NULL;
  rsa.parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
  rsa.parameters.rsaDetail.keyBits = static_cast<UINT16>(key.modulus.size() * 8);
  rsa.parameters.rsaDetail.exponent = key.exponent == kDefaultExponent ? 0 : key.exponent;
  rsa.unique.rsa.size = static_cast<UINT16>(key.modulus.size());
  std::copy(key.modulus.begin(), key.modulus.end(), rsa.unique.rsa.buffer);
  return area;
}

TPMT_SIGNATURE RsaSignature(ByteView bytes) {
  TPMT_SIGNATURE signature = {.sigAlg = TPM2_ALG_RSASSA, .signature = {}};
  signature.signature.rsassa.hash = TPM2_ALG_SHA256;
  TPM2B_PUBLIC_KEY_RSA& number = signature.signature.rsassa.sig;
  number.size = static_cast<UINT16>(std::min(bytes.size(), sizeof(number.buffer)));
  memcpy(number.buffer, bytes.data(), number.size);
  return signature;
}

TPM2B_DIGEST Sized(ByteView bytes) {
  TPM2B_DIGEST digest = {.size = static_cast<UINT16>(bytes.size()), .buffer = {}};
  std::copy(bytes.begin(), bytes.end(), digest.buffer);
  return digest;
}

/// Asserts whatever the PCRs hold. Returns what the TPM makes of it.
Result<Sha256Digest> DigestOfCurrentPcrs(Tpm& tpm, ESYS_TR session,
                                         const TPML_PCR_SELECTION& pcrs) {
  TRY(AssertCurrentPcrs(tpm, session, pcrs));
  TPM2B_DIGEST* digest = nullptr;
  TRY_TPM(kAssert, Esys_PolicyGetDigest(tpm.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE,
                                        ESYS_TR_NONE, &digest));
  EsysPtr<TPM2B_DIGEST> owned(digest);
  Sha256Digest current = {};
  if (digest->size != current.size()) return Fail(Errc::kWrongTpm, "not a policy digest");
  std::copy_n(digest->buffer, digest->size, current.begin());
  return current;
}

const RsaKey* FindKey(const PcrSignatures& known, const Bytes& name) {
  for (const RsaKey& key : known.keys) {
    if (NameOfKey(key) == name) return &key;
  }
  return nullptr;
}

bool IsSignedBy(const RsaKey& key, const Bytes& reference, const PolicySignature& signature) {
  Bytes message(signature.policy.begin(), signature.policy.end());
  message.insert(message.end(), reference.begin(), reference.end());
  return VerifySignature(key, message, signature.signature);
}

Failure FailUnsigned(const SignedPolicy& policy, const PcrSignatures& known) {
  const RsaKey* key = FindKey(known, policy.key_name);
  if (key == nullptr) {
    return Fail(Errc::kNoSignature, "the key whose signatures are approved was not found");
  }
  bool has_any = std::any_of(
      known.signatures.begin(), known.signatures.end(),
      [&](const PolicySignature& one) { return IsSignedBy(*key, policy.reference, one); });
  return Fail(Errc::kNoSignature,
              has_any ? "none of the PCR signatures by the approved key is for what was booted"
                      : "no PCR signature by the approved key was found");
}

/// The TPM's ticket that FOUND is by its key. One transient object, for a moment.
Result<EsysPtr<TPMT_TK_VERIFIED>> Verify(Tpm& tpm, const VerifiedSignature& found,
                                         const Bytes& reference) {
  TPM2B_PUBLIC area = AreaOf(*found.key);
  ESYS_TR key = ESYS_TR_NONE;
  // The null hierarchy would yield no ticket.
  TRY_TPM("load the policy's signing key",
          Esys_LoadExternal(tpm.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, nullptr, &area,
                            ESYS_TR_RH_OWNER, &key));
  TpmObject owned_key(tpm, key);
  TPM2B_DIGEST digest = Sized(Sha256({found.signature->policy, reference}));
  TPMT_SIGNATURE rsa = RsaSignature(found.signature->signature);
  TPMT_TK_VERIFIED* ticket = nullptr;
  TRY_TPM(kAssert, Esys_VerifySignature(tpm.esys(), key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                        &digest, &rsa, &ticket));
  return EsysPtr<TPMT_TK_VERIFIED>(ticket);
}

}  // namespace

Bytes NameOfKey(const RsaKey& key) {
  return NameOf(AreaOf(key));
}

Sha256Digest DigestOf(const SignedPolicy& policy) {
  static constexpr Sha256Digest kEmptyPolicy = {};
  Sha256Digest digest =
      Sha256({kEmptyPolicy, BigEndian(TPM2_CC_PolicyAuthorize, 4), policy.key_name});
  return Sha256({digest, policy.reference});
}

Sha256Digest SignedDigest(const PcrPolicy& pcrs) {
  return ExtendDigest(Sha256Digest{}, pcrs);
}

std::optional<VerifiedSignature> FindSignature(const SignedPolicy& policy,
                                               const Sha256Digest& signed_digest,
                                               const PcrSignatures& known) {
  const RsaKey* key = FindKey(known, policy.key_name);
  if (key == nullptr) return std::nullopt;
  for (const PolicySignature& signature : known.signatures) {
    if (signature.policy != signed_digest) continue;
    if (IsSignedBy(*key, policy.reference, signature)) return {{key, &signature}};
  }
  return std::nullopt;
}

Result<void> AssertSignedPolicy(Tpm& tpm, ESYS_TR session, const SignedPolicy& policy,
                                const PcrSignatures& known) {
  Sha256Digest current = TRY(DigestOfCurrentPcrs(tpm, session, policy.pcrs));
  std::optional<VerifiedSignature> found = FindSignature(policy, current, known);
  if (!found) return FailUnsigned(policy, known);
  EsysPtr<TPMT_TK_VERIFIED> ticket = TRY(Verify(tpm, *found, policy.reference));
  TPM2B_NAME key_name = {.size = static_cast<UINT16>(policy.key_name.size()), .name = {}};
  std::copy(policy.key_name.begin(), policy.key_name.end(), key_name.name);
  TPM2B_DIGEST approved = Sized(current);
  TPM2B_NONCE reference = Sized(policy.reference);
  TRY_TPM(kAssert,
          Esys_PolicyAuthorize(tpm.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                               &approved, &reference, &key_name, ticket.get()));
  return {};
}

}  // namespace nvunlock
