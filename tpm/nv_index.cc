// SPDX-License-Identifier: Apache-2.0
#include "tpm/nv_index.h"

#include <tss2/tss2_mu.h>

#include <algorithm>

#include "tpm/rc.h"

namespace nvunlock {
namespace {

/// Handles for the owner's indexes (Registry of Reserved TPM 2.0 Handles) from here on are tried;
/// 4e56 is "NV".
constexpr TPM2_HANDLE kFirstHandle = 0x01804e56;
constexpr unsigned kHandlesTried = 64;

/// No way to write it but the key's, no dictionary attack counting for what is public.
constexpr TPMA_NV kAttributes = TPMA_NV_AUTHREAD | TPMA_NV_POLICYWRITE | TPMA_NV_NO_DA;

constexpr char kMakeIndex[] = "make an NV index";

TSS2_RC DefineSpace(Tpm& tpm, const TPM2B_NV_PUBLIC& index) {
  TPM2B_AUTH no_auth = {};
  ESYS_TR tr = ESYS_TR_NONE;
  TSS2_RC rc = Esys_NV_DefineSpace(tpm.esys(), ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                   ESYS_TR_NONE, &no_auth, &index, &tr);
  if (rc == TSS2_RC_SUCCESS) Esys_TR_Close(tpm.esys(), &tr);
  return rc;
}

Result<void> CheckDefined(TSS2_RC rc) {
  if (rc == TPM2_RC_NV_SPACE) {
    return Fail(
        Errc::kUnsupported,
        std::string(kMakeIndex) +
            ": the TPM has no room for it; remove one that nobody needs (tpm2_nvreadpublic, "
            "tpm2_nvundefine)");
  }
  TRY_TPM_OWNER(kMakeIndex, rc);
  return {};
}

TPMS_NV_PUBLIC WithoutState(TPMS_NV_PUBLIC area) {
  area.attributes &= ~(TPMA_NV_READLOCKED | TPMA_NV_WRITTEN);
  return area;
}

Failure FailGone() {
  return Fail(Errc::kLatchGone,
              "an NV index of the key file is gone or was made anew: the TPM's owner removed it, "
              "or the TPM was cleared");
}

/// As the TPM describes it; close it.
Result<ESYS_TR> FindIndex(Tpm& tpm, const TPM2B_NV_PUBLIC& index) {
  ESYS_TR tr = ESYS_TR_NONE;
  TSS2_RC rc = Esys_TR_FromTPMPublic(tpm.esys(), index.nvPublic.nvIndex, ESYS_TR_NONE, ESYS_TR_NONE,
                                     ESYS_TR_NONE, &tr);
  if (WithoutPosition(rc) == TPM2_RC_HANDLE) return FailGone();
  TRY_TPM("look for an NV index", rc);
  return tr;
}

/// cpHashA of the TPM2_NV_Write that writes BUFFER to the whole of an index with this NAME.
Sha256Digest HashOfWrite(const Bytes& name, const TPM2B_MAX_NV_BUFFER& buffer) {
  return Sha256({BigEndian(TPM2_CC_NV_Write, 4), name, name, BigEndian(buffer.size, 2),
                 ByteView(buffer.buffer, buffer.size), BigEndian(0, 2)});
}

/// Writes to an index that is taken to have this public area. Returns what the TPM says.
Result<TSS2_RC> TryWrite(Tpm& tpm, ESYS_TR parent, const TPM2B_NV_PUBLIC& index,
                         const UpdateKey& key, const TPM2B_MAX_NV_BUFFER& buffer) {
  Sha256Digest command = HashOfWrite(NameOfIndex(index), buffer);
  TpmObject session = TRY(key.Authorize(tpm, parent, command));
  ESYS_TR tr = TRY(PinIndex(tpm, index));
  TSS2_RC rc =
      Esys_NV_Write(tpm.esys(), tr, tr, session.tr(), ESYS_TR_NONE, ESYS_TR_NONE, &buffer, 0);
  Esys_TR_Close(tpm.esys(), &tr);
  return rc;
}

/// The TPM has another Name for the index than the command was authorized for.
bool IsAnotherName(TSS2_RC rc) {
  TSS2_RC reason = WithoutPosition(rc);
  return reason == TPM2_RC_BAD_AUTH || reason == TPM2_RC_AUTH_FAIL || reason == TPM2_RC_POLICY_FAIL;
}

}  // namespace

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

/// What Esys_TR_Serialize writes for an index: handle, name, resource type 2, public area.
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
  TRY_TPM("pin an NV index",
          Esys_TR_Deserialize(tpm.esys(), serialized.data(), serialized.size(), &tr));
  return tr;
}

Result<TPMS_NV_PUBLIC> ReadArea(Tpm& tpm, const TPM2B_NV_PUBLIC& index) {
  ESYS_TR tr = TRY(FindIndex(tpm, index));
  TPM2B_NV_PUBLIC* found = nullptr;
  TSS2_RC rc =
      Esys_NV_ReadPublic(tpm.esys(), tr, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &found, nullptr);
  Esys_TR_Close(tpm.esys(), &tr);
  TRY_TPM("look for an NV index", rc);
  EsysPtr<TPM2B_NV_PUBLIC> owned(found);
  return found->nvPublic;
}

Result<void> CheckIndex(Tpm& tpm, const TPM2B_NV_PUBLIC& index) {
  TPMS_NV_PUBLIC found = TRY(ReadArea(tpm, index));
  bool is_ours = MarshalArea(WithoutState(found)) == MarshalArea(WithoutState(index.nvPublic));
  return is_ours ? Result<void>() : FailGone();
}

Result<TPM2B_NV_PUBLIC> DefineIndex(Tpm& tpm, const UpdateKey& key, uint16_t size,
                                    TPMA_NV attributes) {
  Sha256Digest write_policy = key.WritePolicy();
  TPM2B_NV_PUBLIC index = {};
  index.nvPublic.nameAlg = TPM2_ALG_SHA256;
  index.nvPublic.attributes = kAttributes | attributes;
  index.nvPublic.dataSize = size;
  index.nvPublic.authPolicy.size = static_cast<UINT16>(write_policy.size());
  std::ranges::copy(write_policy, index.nvPublic.authPolicy.buffer);
  TSS2_RC rc = TPM2_RC_NV_DEFINED;
  for (unsigned i = 0; i < kHandlesTried && rc == TPM2_RC_NV_DEFINED; i++) {
    index.nvPublic.nvIndex = kFirstHandle + i;
    rc = DefineSpace(tpm, index);
  }
  TRY(CheckDefined(rc));
  index.nvPublic.attributes |= TPMA_NV_WRITTEN;
  return index;
}

Result<void> RedefineIndex(Tpm& tpm, const TPM2B_NV_PUBLIC& index) {
  TPM2B_NV_PUBLIC area = index;
  area.nvPublic.attributes &= ~TPMA_NV_WRITTEN;
  return CheckDefined(DefineSpace(tpm, area));
}

Result<void> WriteIndex(Tpm& tpm, ESYS_TR parent, const TPM2B_NV_PUBLIC& index,
                        const UpdateKey& key, ByteView contents) {
  TPM2B_MAX_NV_BUFFER buffer = {.size = index.nvPublic.dataSize, .buffer = {}};
  if (contents.size() > buffer.size) return Fail("more than the NV index holds");
  std::ranges::copy(contents, buffer.buffer);
  TRY(CheckIndex(tpm, index));
  TPM2B_NV_PUBLIC unwritten = index;
  unwritten.nvPublic.attributes &= ~TPMA_NV_WRITTEN;
  TSS2_RC rc = TRY(TryWrite(tpm, parent, index, key, buffer));
  if (IsAnotherName(rc)) rc = TRY(TryWrite(tpm, parent, unwritten, key, buffer));
  if (IsAnotherName(rc)) return FailGone();
  TRY_TPM("write an NV index", rc);
  return {};
}

Result<void> RemoveIndex(Tpm& tpm, const TPM2B_NV_PUBLIC& index) {
  TRY(CheckIndex(tpm, index));
  ESYS_TR tr = TRY(FindIndex(tpm, index));
  TRY_TPM_OWNER("remove an NV index",
                Esys_NV_UndefineSpace(tpm.esys(), ESYS_TR_RH_OWNER, tr, ESYS_TR_PASSWORD,
                                      ESYS_TR_NONE, ESYS_TR_NONE));
  return {};
}

}  // namespace nvunlock
