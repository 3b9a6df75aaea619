// SPDX-License-Identifier: Apache-2.0
#include "tpm/nv_latch.h"

#include <sys/random.h>
#include <tss2/tss2_mu.h>

#include <algorithm>
#include <cerrno>

#include "tpm/rc.h"
#include "tpm/session.h"

namespace nvunlock {
namespace {

constexpr uint16_t kValueSize = 8;

Failure FailGone() {
  return Fail(Errc::kLatchGone,
              "the NV index of the latch is gone or was made anew: the TPM's owner removed it, or "
              "the TPM was cleared");
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

/// The TPM's session keys are not ours: they were made with another Name of the index, or with
/// another parent.
Failure ExplainBadAuth(Tpm& tpm, const NvLatch& latch) {
  Result<LatchState> there = ReadNvLatch(tpm, latch);
  if (!there) return Failure(std::move(there.error()));
  return Fail(Errc::kWrongTpm, "close the latch: the storage root key is not the enrolled one");
}

Result<void> CloseAuthenticated(Tpm& tpm, ESYS_TR parent, const NvLatch& latch) {
  TpmObject session = TRY(StartSession(tpm, parent, TPM2_SE_HMAC, 0));
  TSS2_RC rc = ReadLock(tpm, session.tr(), latch.index);
  if (WithoutPosition(rc) == TPM2_RC_BAD_AUTH) {
    // The lock is part of the Name that the session authenticates: it may be there already.
    TPM2B_NV_PUBLIC locked = latch.index;
    locked.nvPublic.attributes |= TPMA_NV_READLOCKED;
    rc = ReadLock(tpm, session.tr(), locked);
  }
  if (WithoutPosition(rc) == TPM2_RC_HANDLE) return FailGone();
  if (WithoutPosition(rc) == TPM2_RC_BAD_AUTH) return ExplainBadAuth(tpm, latch);
  TRY_TPM("close the latch", rc);
  return {};
}

Failure Malformed() {
  return Fail(Errc::kBadKeyFile, "its latch policy is malformed");
}

}  // namespace

Result<NvLatch> MakeNvLatch(Tpm& tpm, ESYS_TR parent) {
  UpdateKey key = TRY(UpdateKey::Generate());
  NvLatch latch = {.index = {}, .value = Bytes(kValueSize)};
  if (getrandom(latch.value.data(), kValueSize, 0) != kValueSize) {
    return FailErrno("make the latch", errno);
  }
  latch.index = TRY(DefineIndex(tpm, key, kValueSize, TPMA_NV_READ_STCLEAR));
  Result<void> written = WriteIndex(tpm, parent, latch.index, key, latch.value);
  if (written) return latch;
  (void)RemoveIndex(tpm, latch.index);
  return Failure(std::move(written.error()));
}

Result<LatchState> ReadNvLatch(Tpm& tpm, const NvLatch& latch) {
  TPMS_NV_PUBLIC found = TRY(ReadArea(tpm, latch.index));
  bool is_closed = (found.attributes & TPMA_NV_READLOCKED) != 0;
  found.attributes &= ~TPMA_NV_READLOCKED;
  if (MarshalArea(found) != MarshalArea(latch.index.nvPublic)) return FailGone();
  return is_closed ? LatchState::kClosed : LatchState::kOpen;
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
    return Fail(Errc::kLatchClosed,
                "the latch is closed: the TPM has already unsealed once this boot");
  }
  if (rc == TPM2_RC_NV_UNINITIALIZED || rc == TPM2_RC_POLICY ||
      WithoutPosition(rc) == TPM2_RC_HANDLE) {
    return FailGone();
  }
  TRY_TPM("assert the latch", rc);
  return {};
}

Result<void> CloseNvLatch(Tpm& tpm, ESYS_TR parent, const NvLatch& latch) {
  Result<void> closed = CloseAuthenticated(tpm, parent, latch);
  // No session gets anywhere when the TPM's owner has put another key in PARENT's place, or none.
  // After the boot they could have the real one made anew and find the latch open, so it is closed
  // in any case; but the answer proves nothing.
  if (!closed) (void)ReadLock(tpm, ESYS_TR_PASSWORD, latch.index);
  return closed;
}

}  // namespace nvunlock
