#include "tpm/nv_latch.h"

#include <sys/random.h>
#include <tss2/tss2_mu.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "src/crypto/signing_key.h"
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

Bytes MarshalArea(const TPMS_NV_PUBLIC& area) {
  Bytes bytes(sizeof(area));
  size_t size = 0;
  if (Tss2_MU_TPMS_NV_PUBLIC_Marshal(&area, bytes.data(), bytes.size(), &size) != 0) size = 0;
  bytes.resize(size);
  return bytes;
}

Bytes NameOfIndex(const TPM2B_NV_PUBLIC& index) {
  Sha256Digest digest = Sha256({MarshalArea(index.nvPublic)});
  Bytes name = BigEndian(TPM2_ALG_SHA256, 2);
  name.insert(name.end(), digest.begin(), digest.end());
  return name;
}

/// An ESYS handle for the index; the TPM is not asked. What Esys_TR_Serialize writes for an index:
/// handle, name, resource type 2, public area.
Result<ESYS_TR> PinIndex(Tpm& tpm, const TPM2B_NV_PUBLIC& index) {
  constexpr UINT32 kNvResource = 2;
  Bytes name = NameOfIndex(index);
  Bytes area = MarshalArea(index.nvPublic);
  Bytes serialized = BigEndian(index.nvPublic.nvIndex, 4);
  for (const Bytes& part : {BigEndian(name.size(), 2), name, BigEndian(kNvResource, 4),
                            BigEndian(area.size(), 2), area}) {
    serialized.insert(serialized.end(), part.begin(), part.end());
  }
  ESYS_TR tr = ESYS_TR_NONE;
  TRY_TPM("pin the latch",
          Esys_TR_Deserialize(tpm.esys(), serialized.data(), serialized.size(), &tr));
  return tr;
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

TPM2B_OPERAND OperandOf(const NvLatch& latch) {
  TPM2B_OPERAND operand = {.size = static_cast<UINT16>(latch.value.size()), .buffer = {}};
  std::copy(latch.value.begin(), latch.value.end(), operand.buffer);
  return operand;
}

/// The parameters of TPM2_PolicyNV behind the operand: offset 0, and equality.
Bytes OffsetAndOperation() {
  return BigEndian(TPM2_EO_EQ, 4);
}

/// TPM2_NV_ReadLock, authorized and authenticated by SESSION.
TSS2_RC ReadLock(Tpm& tpm, ESYS_TR session, const TPM2B_NV_PUBLIC& index) {
  Result<ESYS_TR> tr = PinIndex(tpm, index);
  if (!tr) return TSS2_ESYS_RC_GENERAL_FAILURE;
  TSS2_RC rc = Esys_NV_ReadLock(tpm.esys(), *tr, *tr, session, ESYS_TR_NONE, ESYS_TR_NONE);
  Esys_TR_Close(tpm.esys(), &*tr);
  return rc;
}

Failure FailGone() {
  return Fail(Errc::kLatchGone,
              "the NV index of the latch is gone or was made anew: the TPM's owner removed it, or "
              "the TPM was cleared");
}

Failure Malformed() {
  return Fail(Errc::kBadKeyFile, "its latch policy is malformed");
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

Result<LatchState> ReadNvLatch(Tpm& tpm, const NvLatch& latch) {
  ESYS_TR tr = ESYS_TR_NONE;
  TRY_TPM("look for the latch",
          Esys_TR_FromTPMPublic(tpm.esys(), latch.index.nvPublic.nvIndex, ESYS_TR_NONE,
                                ESYS_TR_NONE, ESYS_TR_NONE, &tr));
  TPM2B_NV_PUBLIC* found = nullptr;
  TSS2_RC rc =
      Esys_NV_ReadPublic(tpm.esys(), tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &found, nullptr);
  Esys_TR_Close(tpm.esys(), &tr);
  TRY_TPM("look for the latch", rc);
  EsysPtr<TPM2B_NV_PUBLIC> owned(found);
  bool is_closed = (found->nvPublic.attributes & TPMA_NV_READLOCKED) != 0;
  found->nvPublic.attributes &= ~TPMA_NV_READLOCKED;
  if (MarshalArea(found->nvPublic) == MarshalArea(latch.index.nvPublic)) {
    return is_closed ? LatchState::kClosed : LatchState::kOpen;
  }
  return Fail(Errc::kWrongTpm, "the NV index of the latch is another one than at enrollment");
}

Result<void> CheckNvLatch(Tpm& tpm, const NvLatch& latch) {
  TRY(ReadNvLatch(tpm, latch));
  return {};
}

Result<void> RemoveNvLatch(Tpm& tpm, const NvLatch& latch) {
  TRY(CheckNvLatch(tpm, latch));
  ESYS_TR tr = ESYS_TR_NONE;
  TRY_TPM("find the latch", Esys_TR_FromTPMPublic(tpm.esys(), latch.index.nvPublic.nvIndex,
                                                  ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &tr));
  TRY_TPM_OWNER("remove the latch",
                Esys_NV_UndefineSpace(tpm.esys(), ESYS_TR_RH_OWNER, tr, ESYS_TR_PASSWORD,
                                      ESYS_TR_NONE, ESYS_TR_NONE));
  return {};
}

Sha256Digest ExtendDigest(const Sha256Digest& digest, const NvLatch& latch) {
  Sha256Digest arguments = Sha256({latch.value, OffsetAndOperation()});
  return Sha256({digest, BigEndian(TPM2_CC_PolicyNV, 4), arguments, NameOfIndex(latch.index)});
}

Bytes EncodeNvLatch(const NvLatch& latch) {
  Bytes area = MarshalArea(latch.index.nvPublic);
  Bytes body = BigEndian(area.size(), 2);
  for (const Bytes& part :
       {area, BigEndian(latch.value.size(), 2), latch.value, OffsetAndOperation()}) {
    body.insert(body.end(), part.begin(), part.end());
  }
  return body;
}

Result<NvLatch> DecodeNvLatch(ByteView body) {
  NvLatch latch;
  TPM2B_OPERAND operand = {};
  size_t size = 0;
  if (Tss2_MU_TPM2B_NV_PUBLIC_Unmarshal(body.data(), body.size(), &size, &latch.index) != 0 ||
      Tss2_MU_TPM2B_DIGEST_Unmarshal(body.data(), body.size(), &size, &operand) != 0) {
    return Malformed();
  }
  latch.index.size = 0;
  latch.value.assign(operand.buffer, operand.buffer + operand.size);
  if (!std::ranges::equal(EncodeNvLatch(latch), body)) return Malformed();
  if (latch.index.nvPublic.nameAlg != TPM2_ALG_SHA256) return Malformed();
  return latch;
}

Result<void> AssertNvLatch(Tpm& tpm, ESYS_TR session, const NvLatch& latch) {
  ESYS_TR tr = TRY(PinIndex(tpm, latch.index));
  TPM2B_OPERAND operand = OperandOf(latch);
  TSS2_RC rc = Esys_PolicyNV(tpm.esys(), tr, tr, session, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                             ESYS_TR_NONE, &operand, 0, TPM2_EO_EQ);
  Esys_TR_Close(tpm.esys(), &tr);
  if (rc == TPM2_RC_NV_LOCKED) {
    return Fail(Errc::kLatchClosed, "the latch is closed: this boot has had its unseal already");
  }
  if (rc == TPM2_RC_NV_UNINITIALIZED || rc == TPM2_RC_POLICY ||
      WithoutPosition(rc) == TPM2_RC_HANDLE) {
    return FailGone();
  }
  TRY_TPM("assert the latch", rc);
  return {};
}

Result<void> CloseNvLatch(Tpm& tpm, ESYS_TR parent, const NvLatch& latch) {
  TpmObject session = TRY(StartSession(tpm, parent, TPM2_SE_HMAC, 0));
  TSS2_RC rc = ReadLock(tpm, session.tr(), latch.index);
  if (WithoutPosition(rc) == TPM2_RC_BAD_AUTH) {
    // The lock is part of the Name that the session authenticates: it may be there already.
    TPM2B_NV_PUBLIC locked = latch.index;
    locked.nvPublic.attributes |= TPMA_NV_READLOCKED;
    rc = ReadLock(tpm, session.tr(), locked);
  }
  TSS2_RC reason = WithoutPosition(rc);
  if (reason == TPM2_RC_HANDLE || reason == TPM2_RC_BAD_AUTH) return FailGone();
  TRY_TPM("close the latch", rc);
  return {};
}

}  // namespace nvunlock
