// SPDX-License-Identifier: Apache-2.0
#include "tpm/signed_policy.h"

#include <tss2/tss2_mu.h>

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

RsaKey KeyOf(const TPM2B_PUBLIC& area) {
  const TPMT_PUBLIC& rsa = area.publicArea;
  RsaKey key;
  key.modulus.assign(rsa.unique.rsa.buffer, rsa.unique.rsa.buffer + rsa.unique.rsa.size);
  UINT32 exponent = rsa.parameters.rsaDetail.exponent;
  key.exponent = exponent == 0 ? kDefaultExponent : exponent;
  return key;
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

/// Asserts that the PCRs hold what they hold. Returns what the TPM makes of it.
Result<Sha256Digest> AssertCurrentPcrs(Tpm& tpm, ESYS_TR session, const TPML_PCR_SELECTION& pcrs) {
  TPM2B_DIGEST any = {};
  TRY_TPM(kAssert, Esys_PolicyPCR(tpm.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                  &any, &pcrs));
  TPM2B_DIGEST* digest = nullptr;
  TRY_TPM(kAssert, Esys_PolicyGetDigest(tpm.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE,
                                        ESYS_TR_NONE, &digest));
  EsysPtr<TPM2B_DIGEST> owned(digest);
  Sha256Digest current = {};
  if (digest->size != current.size()) return Fail(Errc::kWrongTpm, "not a policy digest");
  std::copy_n(digest->buffer, digest->size, current.begin());
  return current;
}

Result<const PolicySignature*> FindSignature(const SignedPolicy& policy,
                                             const Sha256Digest& current) {
  auto found =
      std::find_if(policy.signatures.begin(), policy.signatures.end(),
                   [&](const PolicySignature& signature) { return signature.policy == current; });
  if (found != policy.signatures.end()) return &*found;
  if (policy.signatures.empty()) {
    return Fail(Errc::kNoSignature, "no PCR signature by the enrolled key was found");
  }
  return Fail(Errc::kNoSignature,
              "none of the PCR signatures by the enrolled key is for what was booted");
}

/// The TPM's ticket that SIGNATURE is by the key of POLICY. One transient object, for a moment.
Result<EsysPtr<TPMT_TK_VERIFIED>> Verify(Tpm& tpm, const SignedPolicy& policy,
                                         const PolicySignature& signature) {
  TPM2B_PUBLIC area = AreaOf(policy.key);
  ESYS_TR key = ESYS_TR_NONE;
  // The null hierarchy would yield no ticket.
  TRY_TPM("load the policy's signing key",
          Esys_LoadExternal(tpm.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, nullptr, &area,
                            ESYS_TR_RH_OWNER, &key));
  TpmObject owned_key(tpm, key);
  TPM2B_DIGEST digest = Sized(Sha256({signature.policy, policy.reference}));
  TPMT_SIGNATURE rsa = RsaSignature(signature.signature);
  TPMT_TK_VERIFIED* ticket = nullptr;
  TRY_TPM(kAssert, Esys_VerifySignature(tpm.esys(), key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                        &digest, &rsa, &ticket));
  return EsysPtr<TPMT_TK_VERIFIED>(ticket);
}

Failure Malformed() {
  return Fail(Errc::kBadKeyFile, "its signed policy is malformed");
}

template <typename T>
void Append(Bytes& body, TSS2_RC (*marshal)(const T*, uint8_t*, size_t, size_t*), const T& value) {
  Bytes part(sizeof(T) + sizeof(UINT32));
  size_t size = 0;
  if (marshal(&value, part.data(), part.size(), &size) != TSS2_RC_SUCCESS) size = 0;
  body.insert(body.end(), part.begin(), part.begin() + static_cast<ptrdiff_t>(size));
}

}  // namespace

Sha256Digest DigestOf(const SignedPolicy& policy) {
  static constexpr Sha256Digest kEmptyPolicy = {};
  Bytes name = NameOf(AreaOf(policy.key));
  Sha256Digest digest = Sha256({kEmptyPolicy, BigEndian(TPM2_CC_PolicyAuthorize, 4), name});
  return Sha256({digest, policy.reference});
}

Sha256Digest ApprovedDigest(const PcrPolicy& pcrs) {
  return ExtendDigest(Sha256Digest{}, pcrs);
}

bool IsSignedFor(const SignedPolicy& policy, const PolicySignature& signature) {
  Bytes message(signature.policy.begin(), signature.policy.end());
  message.insert(message.end(), policy.reference.begin(), policy.reference.end());
  return VerifySignature(policy.key, message, signature.signature);
}

Bytes EncodeSelection(const TPML_PCR_SELECTION& pcrs) {
  Bytes body;
  Append(body, Tss2_MU_TPML_PCR_SELECTION_Marshal, pcrs);
  return body;
}

Bytes EncodeAuthorization(const SignedPolicy& policy) {
  Bytes body;
  Append(body, Tss2_MU_TPM2B_PUBLIC_Marshal, AreaOf(policy.key));
  Append(body, Tss2_MU_TPM2B_DIGEST_Marshal, Sized(policy.reference));
  Append(body, Tss2_MU_TPMT_SIGNATURE_Marshal,
         TPMT_SIGNATURE{.sigAlg = TPM2_ALG_NULL, .signature = {}});
  return body;
}

Result<SignedPolicy> DecodeSignedPolicy(ByteView selection, ByteView authorization) {
  SignedPolicy policy;
  size_t size = 0;
  if (Tss2_MU_TPML_PCR_SELECTION_Unmarshal(selection.data(), selection.size(), &size,
                                           &policy.pcrs) != TSS2_RC_SUCCESS ||
      policy.pcrs.count != 1) {
    return Malformed();
  }
  TPM2B_PUBLIC area = {};
  TPM2B_DIGEST reference = {};
  size = 0;
  if (Tss2_MU_TPM2B_PUBLIC_Unmarshal(authorization.data(), authorization.size(), &size, &area) !=
          TSS2_RC_SUCCESS ||
      area.publicArea.type != TPM2_ALG_RSA ||
      Tss2_MU_TPM2B_DIGEST_Unmarshal(authorization.data(), authorization.size(), &size,
                                     &reference) != TSS2_RC_SUCCESS) {
    return Malformed();
  }
  policy.key = KeyOf(area);
  policy.reference.assign(reference.buffer, reference.buffer + reference.size);
  // Anything else than what we write would be another policy than we would assert.
  if (!std::ranges::equal(EncodeSelection(policy.pcrs), selection) ||
      !std::ranges::equal(EncodeAuthorization(policy), authorization)) {
    return Malformed();
  }
  return policy;
}

Result<void> AssertSignedPolicy(Tpm& tpm, ESYS_TR session, const SignedPolicy& policy) {
  Sha256Digest current = TRY(AssertCurrentPcrs(tpm, session, policy.pcrs));
  const PolicySignature* signature = TRY(FindSignature(policy, current));
  EsysPtr<TPMT_TK_VERIFIED> ticket = TRY(Verify(tpm, policy, *signature));
  Bytes name = NameOf(AreaOf(policy.key));
  TPM2B_NAME key_name = {.size = static_cast<UINT16>(name.size()), .name = {}};
  std::copy(name.begin(), name.end(), key_name.name);
  TPM2B_DIGEST approved = Sized(current);
  TPM2B_NONCE reference = Sized(policy.reference);
  TRY_TPM(kAssert,
          Esys_PolicyAuthorize(tpm.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                               &approved, &reference, &key_name, ticket.get()));
  return {};
}

}  // namespace nvunlock
