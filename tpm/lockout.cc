// SPDX-License-Identifier: Apache-2.0
#include "tpm/lockout.h"

#include <algorithm>

#include "tpm/rc.h"

namespace nvunlock {
namespace {

/// The properties from TPM2_PT_LOCKOUT_COUNTER on, which follow each other.
constexpr UINT32 kProperties = 3;

}  // namespace

Result<LockoutState> ReadLockoutState(Tpm& tpm) {
  TPMI_YES_NO more = 0;
  TPMS_CAPABILITY_DATA* capability = nullptr;
  TRY_TPM("read the TPM's lockout state",
          Esys_GetCapability(tpm.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                             TPM2_CAP_TPM_PROPERTIES, TPM2_PT_LOCKOUT_COUNTER, kProperties, &more,
                             &capability));
  EsysPtr<TPMS_CAPABILITY_DATA> owned(capability);
  const TPML_TAGGED_TPM_PROPERTY& properties = capability->data.tpmProperties;
  UINT32 failed = 0;
  UINT32 limit = 0;
  LockoutState state;
  for (UINT32 i = 0; i < std::min(properties.count, kProperties); i++) {
    const TPMS_TAGGED_PROPERTY& property = properties.tpmProperty[i];
    if (property.property == TPM2_PT_LOCKOUT_COUNTER) failed = property.value;
    if (property.property == TPM2_PT_MAX_AUTH_FAIL) limit = property.value;
    if (property.property == TPM2_PT_LOCKOUT_INTERVAL) state.seconds_for_a_try = property.value;
  }
  state.tries_left = limit > failed ? limit - failed : 0;
  return state;
}

std::string DescribeLockout(const LockoutState& state) {
  std::string text = state.tries_left == 0
                         ? "the TPM is in dictionary attack lockout"
                         : "one wrong PIN more and the TPM is in dictionary attack lockout";
  return text + "; it allows a try more after " + std::to_string(state.seconds_for_a_try) +
         " seconds of power";
}

}  // namespace nvunlock
