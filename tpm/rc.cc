// SPDX-License-Identifier: Apache-2.0
#include "tpm/rc.h"

#include <tss2/tss2_tpm2_types.h>

#include <cstdio>

namespace nvunlock {
namespace {

struct Meaning {
  Errc code;
  const char* cause;
};

constexpr Meaning kMalformed = {
    Errc::kWrongTpm,
    "the answer is malformed; the TPM or something on its bus is broken or hostile"};

Meaning MeaningOfLayer(TSS2_RC rc) {
  if ((rc & TSS2_RC_LAYER_MASK) == TSS2_MU_RC_LAYER) return kMalformed;
  switch (rc) {
    case TSS2_TCTI_RC_IO_ERROR:
    case TSS2_TCTI_RC_NO_CONNECTION:
      return {Errc::kTpmNotReady, "the TPM did not answer, or the connection to it broke"};
    case TSS2_TCTI_RC_MALFORMED_RESPONSE:
    case TSS2_SYS_RC_MALFORMED_RESPONSE:
    case TSS2_ESYS_RC_BAD_SEQUENCE:  // some malformed answers make ESYS lose its place
      return kMalformed;
    case TSS2_ESYS_RC_RSP_AUTH_FAILED:
      return {
          Errc::kWrongTpm,
          "the answer is not authentic; this is another TPM or something on its bus interferes"};
    case TSS2_RESMGR_TPM_RC_LAYER | TPM2_RC_RETRY:
    case TSS2_RESMGR_TPM_RC_LAYER | TPM2_RC_YIELDED:
      return {Errc::kTpmNotReady, "the TPM kept answering \"retry\""};
    case TSS2_RESMGR_TPM_RC_LAYER | TPM2_RC_TESTING:
      return {Errc::kTpmNotReady, "the TPM did not finish its self-test"};
    default:
      return {Errc::kFailed, "the TPM software stack failed"};
  }
}

Meaning MeaningOf(TSS2_RC rc) {
  if ((rc & TSS2_RC_LAYER_MASK) != TSS2_TPM_RC_LAYER) return MeaningOfLayer(rc);
  switch (WithoutPosition(rc)) {
    case TPM2_RC_INTEGRITY:
      return {Errc::kWrongTpm, "the object was not made by this TPM, or the TPM was cleared"};
    case TPM2_RC_HANDLE:
    case TPM2_RC_REFERENCE_H0:
      return {Errc::kWrongTpm, "the TPM has no such object; another TPM, or it was cleared"};
    case TPM2_RC_POLICY_FAIL:
      return {Errc::kPolicyMismatch, "the policy does not hold"};
    case TPM2_RC_PCR_CHANGED:
      return {Errc::kPcrsChanging, "somebody extended a PCR in the middle"};
    case TPM2_RC_LOCKOUT:
      return {Errc::kLockout, "the TPM is in dictionary attack lockout"};
    case TPM2_RC_AUTH_FAIL:
    case TPM2_RC_BAD_AUTH:
      return {Errc::kFailed, "the TPM wants an authorization value (password) that we do not have"};
    case TPM2_RC_AUTH_UNAVAILABLE:
    case TPM2_RC_AUTH_TYPE:
      return {Errc::kFailed, "the object does not take this kind of authorization"};
    case TPM2_RC_INITIALIZE:
      return {Errc::kTpmNotReady,
              "the firmware has not started the TPM, and now it does not start"};
    case TPM2_RC_FAILURE:
      return {Errc::kTpmNotReady, "the TPM is in failure mode"};
    default:
      return {Errc::kFailed, "the TPM refused"};
  }
}

}  // namespace

TSS2_RC WithoutPosition(TSS2_RC rc) {
  constexpr TSS2_RC kFormatOne = TPM2_RC_FMT1;
  return (rc & kFormatOne) != 0 ? rc & (kFormatOne | 0x3f) : rc;
}

bool IsAboutParameter(TSS2_RC rc) {
  constexpr TSS2_RC kParameterError = TPM2_RC_FMT1 | TPM2_RC_P;
  return (rc & TSS2_RC_LAYER_MASK) == TSS2_TPM_RC_LAYER &&
         (rc & kParameterError) == kParameterError;
}

Failure FailTpm(std::string_view action, TSS2_RC rc) {
  Meaning meaning = MeaningOf(rc);
  char number[16];
  snprintf(number, sizeof(number), " (0x%08x)", rc);
  return Fail(meaning.code, std::string(action) + ": " + meaning.cause + number);
}

Failure FailTpmOwner(std::string_view action, TSS2_RC rc) {
  TSS2_RC reason = WithoutPosition(rc);
  if (reason != TPM2_RC_BAD_AUTH && reason != TPM2_RC_AUTH_FAIL) return FailTpm(action, rc);
  return Fail(Errc::kOwnerPassword,
              std::string(action) + ": the owner hierarchy of the TPM has a password");
}

}  // namespace nvunlock
