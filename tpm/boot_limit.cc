// SPDX-License-Identifier: Apache-2.0
#include "tpm/boot_limit.h"

#include <algorithm>

#include "tpm/rc.h"

namespace nvunlock {
namespace {

/// Where resetCount and restartCount are in a TPMS_TIME_INFO: behind time and clock (Part 2,
/// section 10.11).
constexpr UINT16 kCountsOffset = 16;

struct Comparison {
  Bytes operand;
  TPM2_EO operation;
};

Bytes Marshal(const BootNumber& number) {
  Bytes bytes = BigEndian(number.resets, 4);
  Bytes restarts = BigEndian(number.restarts, 4);
  bytes.insert(bytes.end(), restarts.begin(), restarts.end());
  return bytes;
}

std::array<Comparison, 2> ComparisonsOf(const BootLimit& limit) {
  return {{{Marshal(limit.after), TPM2_EO_UNSIGNED_GT},
           {Marshal({limit.last, 0}), TPM2_EO_UNSIGNED_LE}}};
}

Result<void> Assert(Tpm& tpm, ESYS_TR session, const Comparison& comparison) {
  TPM2B_OPERAND operand = {.size = static_cast<UINT16>(comparison.operand.size()), .buffer = {}};
  std::ranges::copy(comparison.operand, operand.buffer);
  TSS2_RC rc = Esys_PolicyCounterTimer(tpm.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE,
                                       ESYS_TR_NONE, &operand, kCountsOffset, comparison.operation);
  if (WithoutPosition(rc) == TPM2_RC_POLICY) {
    return Fail(Errc::kPolicyMismatch, "this is not a boot that was approved by its number");
  }
  TRY_TPM("assert the number of the boot", rc);
  return {};
}

}  // namespace

Sha256Digest ExtendDigest(const Sha256Digest& digest, const BootLimit& limit) {
  Sha256Digest extended = digest;
  for (const Comparison& comparison : ComparisonsOf(limit)) {
    Sha256Digest arguments = Sha256(
        {comparison.operand, BigEndian(kCountsOffset, 2), BigEndian(comparison.operation, 2)});
    extended = Sha256({extended, BigEndian(TPM2_CC_PolicyCounterTimer, 4), arguments});
  }
  return extended;
}

Result<void> AssertBootLimit(Tpm& tpm, ESYS_TR session, const BootLimit& limit) {
  for (const Comparison& comparison : ComparisonsOf(limit)) TRY(Assert(tpm, session, comparison));
  return {};
}

Result<BootNumber> ReadBootNumber(Tpm& tpm, ESYS_TR session) {
  TPMS_TIME_INFO* time = nullptr;
  TRY_TPM("read the TPM's clock",
          Esys_ReadClock(tpm.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, &time));
  EsysPtr<TPMS_TIME_INFO> owned(time);
  return BootNumber{.resets = time->clockInfo.resetCount, .restarts = time->clockInfo.restartCount};
}

}  // namespace nvunlock
