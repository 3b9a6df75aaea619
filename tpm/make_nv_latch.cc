// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/tpm/nv_latch_test.cc.
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "src/crypto/signing_key.h"
#include "tpm/nv_latch.h"
#include "tpm/rc.h"
#include "tpm/session.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

constexpr UINT16 kValueSize = 8;

/// Handles for the owner's indexes (Registry of Reserved TPM 2.0 Handles) from here on are tried;
/// 4e56 is "NV".
constexpr TPM2_HANDLE kFirstHandle = 0x01804e56;
constexpr unsigned kHandlesTried = 64;

/// No way to write it but a signature, no dictionary attack counting for a value that is public.
constexpr TPMA_NV kAttributes =
    TPMA_NV_AUTHREAD | TPMA_NV_POLICYWRITE | TPMA_NV_READ_STCLEAR | TPMA_NV_NO_DA;

constexpr char kMakeLatch[] = "make the latch";

TPM2B_PUBLIC VerifyingKey(const NumberPair& point) {
  TPM2B_PUBLIC key = {};
  TPMT_PUBLIC& area = key.publicArea;
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_USERWITHAUTH;
  area.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
  area.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
  area.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
  area.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
  TPMS_ECC_POINT& ecc = area.unique.ecc;
  ecc.x.size = static_cast<UINT16>(point.first.size());
  ecc.y.size = static_cast<UINT16>(point.second.size());
  memcpy(ecc.x.buffer, point.first.data(), point.first.size());
  memcpy(ecc.y.buffer, point.second.data(), point.second.size());
  return key;
}

TPMT_SIGNATURE ToSignature(const NumberPair& numbers) {
  TPMT_SIGNATURE signature = {.sigAlg = TPM2_ALG_ECDSA, .signature = {}};
  TPMS_SIGNATURE_ECDSA& ecdsa = signature.signature.ecdsa;
  ecdsa.hash = TPM2_ALG_SHA256;
  ecdsa.signatureR.size = static_cast<UINT16>(numbers.first.size());
  ecdsa.signatureS.size = static_cast<UINT16>(numbers.second.size());
  memcpy(ecdsa.signatureR.buffer, numbers.first.data(), numbers.first.size());
  memcpy(ecdsa.signatureS.buffer, numbers.second.data(), numbers.second.size());
  return signature;
}

/// The policyDigest after TPM2_PolicySigned by KEY with an empty policyRef (Part 3, 23.3).
Sha256Digest SignedBy(const TPM2B_PUBLIC& key) {
  static constexpr Sha256Digest kEmptyPolicy = {};
  Bytes name = NameOf(key);
  Sha256Digest digest = Sha256({kEmptyPolicy, BigEndian(TPM2_CC_PolicySigned, 4), name});
  return Sha256({digest});  // and once more with the policyRef
}

TPM2B_NV_PUBLIC IndexTemplate(TPM2_HANDLE handle, const Sha256Digest& write_policy) {
  TPM2B_NV_PUBLIC index = {};
  index.nvPublic.nvIndex = handle;
  index.nvPublic.nameAlg = TPM2_ALG_SHA256;
  index.nvPublic.attributes = kAttributes;
  index.nvPublic.dataSize = kValueSize;
  index.nvPublic.authPolicy.size = static_cast<UINT16>(write_policy.size());
  std::copy(write_policy.begin(), write_policy.end(), index.nvPublic.authPolicy.buffer);
  return index;
}

/// Defines INDEX at the first handle that is free and fills the handle in.
Result<ESYS_TR> Define(Tpm& tpm, TPM2B_NV_PUBLIC& index) {
  TPM2B_AUTH no_auth = {};
  ESYS_TR tr = ESYS_TR_NONE;
  TSS2_RC rc = TPM2_RC_NV_DEFINED;
  for (unsigned i = 0; i < kHandlesTried && rc == TPM2_RC_NV_DEFINED; i++) {
    index.nvPublic.nvIndex = kFirstHandle + i;
    rc = Esys_NV_DefineSpace(tpm.esys(), ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                             ESYS_TR_NONE, &no_auth, &index, &tr);
  }
  TRY_TPM_OWNER(kMakeLatch, rc);
  return tr;
}

/// A session in which KEY has signed that it may be used, whatever for.
Result<TpmObject> StartSignedSession(Tpm& tpm, const SigningKey& key, const TPM2B_PUBLIC& area) {
  ESYS_TR verifier = ESYS_TR_NONE;
  TRY_TPM(kMakeLatch, Esys_LoadExternal(tpm.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                        nullptr, &area, ESYS_TR_RH_NULL, &verifier));
  TpmObject owned_verifier(tpm, verifier);
  TpmObject session = TRY(StartSession(tpm, ESYS_TR_NONE, TPM2_SE_POLICY, 0));
  TPM2B_NONCE* nonce = nullptr;
  TRY_TPM(kMakeLatch, Esys_TRSess_GetNonceTPM(tpm.esys(), session.tr(), &nonce));
  EsysPtr<TPM2B_NONCE> owned_nonce(nonce);
  // With the nonce in it, nobody can use what they saw on the bus for another write.
  NumberPair numbers = TRY(key.Sign({{nonce->buffer, nonce->size}, BigEndian(0, 4)}));
  TPMT_SIGNATURE signature = ToSignature(numbers);
  TPM2B_DIGEST no_command = {};
  TPM2B_NONCE no_reference = {};
  TRY_TPM(kMakeLatch, Esys_PolicySigned(tpm.esys(), verifier, session.tr(), ESYS_TR_NONE,
                                        ESYS_TR_NONE, ESYS_TR_NONE, nonce, &no_command,
                                        &no_reference, 0, &signature, nullptr, nullptr));
  return session;
}

Result<Bytes> WriteRandomValue(Tpm& tpm, ESYS_TR index, ESYS_TR session) {
  TPM2B_MAX_NV_BUFFER value = {.size = kValueSize, .buffer = {}};
  if (getrandom(value.buffer, kValueSize, 0) != kValueSize) return FailErrno(kMakeLatch, errno);
  TRY_TPM(kMakeLatch,
          Esys_NV_Write(tpm.esys(), index, index, session, ESYS_TR_NONE, ESYS_TR_NONE, &value, 0));
  return Bytes(value.buffer, value.buffer + kValueSize);
}

Result<NvLatch> Write(Tpm& tpm, ESYS_TR tr, TPM2B_NV_PUBLIC index, const SigningKey& key,
                      const TPM2B_PUBLIC& verifying_key) {
  TpmObject session = TRY(StartSignedSession(tpm, key, verifying_key));
  Bytes value = TRY(WriteRandomValue(tpm, tr, session.tr()));
  index.nvPublic.attributes |= TPMA_NV_WRITTEN;
  NvLatch latch = {.index = index, .value = std::move(value)};
  TRY(CheckNvLatch(tpm, latch));
  return latch;
}

}  // namespace

Result<NvLatch> MakeNvLatch(Tpm& tpm) {
  SigningKey key = TRY(SigningKey::Generate());
  TPM2B_PUBLIC verifying_key = VerifyingKey(TRY(key.PublicPoint()));
  TPM2B_NV_PUBLIC index = IndexTemplate(0, SignedBy(verifying_key));
  ESYS_TR tr = TRY(Define(tpm, index));
  Result<NvLatch> latch = Write(tpm, tr, index, key, verifying_key);
  if (!latch) {
    Esys_NV_UndefineSpace(tpm.esys(), ESYS_TR_RH_OWNER, tr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                          ESYS_TR_NONE);
  }
  return latch;
}

}  // namespace nvunlock
