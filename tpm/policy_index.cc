// SPDX-License-Identifier: Apache-2.0
#include "tpm/policy_index.h"

#include "tpm/rc.h"

namespace nvunlock {
namespace {

bool IsGone(TSS2_RC rc) {
  return rc == TPM2_RC_NV_UNINITIALIZED || WithoutPosition(rc) == TPM2_RC_HANDLE ||
         WithoutPosition(rc) == TPM2_RC_BAD_AUTH;  // its Name is another one
}

Failure FailGone() {
  return Fail(Errc::kLatchGone,
              "the policy index is gone or was made anew: the TPM's owner removed it, or the TPM "
              "was cleared");
}

}  // namespace

Result<void> CheckAuthorizesByNv(Tpm& tpm) {
  TPMI_YES_NO more = 0;
  TPMS_CAPABILITY_DATA* capability = nullptr;
  TRY_TPM("list the TPM's commands",
          Esys_GetCapability(tpm.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                             TPM2_CAP_COMMANDS, TPM2_CC_PolicyAuthorizeNV, 1, &more, &capability));
  EsysPtr<TPMS_CAPABILITY_DATA> owned(capability);
  const TPML_CCA& commands = capability->data.command;
  TPMA_CC first = commands.count > 0 ? commands.commandAttributes[0] : 0;
  if ((first & TPMA_CC_COMMANDINDEX_MASK) == TPM2_CC_PolicyAuthorizeNV) return {};
  return Fail(Errc::kUnsupported,
              "this TPM lacks TPM2_PolicyAuthorizeNV, which came with revision 1.38 of the "
              "specification (2016); look for an update of its firmware");
}

Result<Bytes> ReadPolicyIndex(Tpm& tpm, ESYS_TR authorization, const PolicyIndex& index) {
  ESYS_TR tr = TRY(PinIndex(tpm, index.area));
  TPM2B_MAX_NV_BUFFER* data = nullptr;
  TSS2_RC rc = Esys_NV_Read(tpm.esys(), tr, tr, authorization, ESYS_TR_NONE, ESYS_TR_NONE,
                            kPolicyIndexSize, 0, &data);
  Esys_TR_Close(tpm.esys(), &tr);
  if (IsGone(rc)) return FailGone();
  TRY_TPM("read the policy index", rc);
  EsysPtr<TPM2B_MAX_NV_BUFFER> owned(data);
  return Bytes(data->buffer, data->buffer + data->size);
}

Sha256Digest DigestOf(const PolicyIndex& index) {
  static constexpr Sha256Digest kEmptyPolicy = {};
  return Sha256({kEmptyPolicy, BigEndian(TPM2_CC_PolicyAuthorizeNV, 4), NameOfIndex(index.area)});
}

Result<void> AssertPolicyIndex(Tpm& tpm, ESYS_TR session, const PolicyIndex& index) {
  ESYS_TR tr = TRY(PinIndex(tpm, index.area));
  TSS2_RC rc = Esys_PolicyAuthorizeNV(tpm.esys(), tr, tr, session, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                      ESYS_TR_NONE);
  Esys_TR_Close(tpm.esys(), &tr);
  if (IsGone(rc)) return FailGone();
  if (WithoutPosition(rc) == TPM2_RC_VALUE) {
    return Fail(Errc::kPolicyMismatch, "what was booted is not what was approved");
  }
  TRY_TPM("assert the approved policy", rc);
  return {};
}

}  // namespace nvunlock
