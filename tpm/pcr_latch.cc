// SPDX-License-Identifier: Apache-2.0
#include "tpm/pcr_latch.h"

#include <algorithm>

#include "tpm/pcr.h"
#include "tpm/rc.h"
#include "tpm/session.h"

namespace nvunlock {
namespace {

/// The active banks in which PCR is zero, as the TPM says in SESSION.
Result<std::vector<const PcrBank*>> BanksAtZero(Tpm& tpm, unsigned pcr, ESYS_TR session) {
  std::vector<const PcrBank*> at_zero;
  for (const PcrBank* bank : TRY(ActivePcrBanks(tpm, session))) {
    PcrValues values = TRY(ReadPcrs(tpm, *bank, 1U << pcr, session));
    if (values[pcr] == Bytes(bank->digest_size)) at_zero.push_back(bank);
  }
  return at_zero;
}

TPML_DIGEST_VALUES SomethingFor(const std::vector<const PcrBank*>& banks) {
  constexpr BYTE kAnything = 0x4e;
  TPML_DIGEST_VALUES values = {};
  for (const PcrBank* bank : banks) {
    TPMT_HA& digest = values.digests[values.count++];
    digest.hashAlg = bank->algorithm;
    std::fill_n(reinterpret_cast<BYTE*>(&digest.digest), bank->digest_size, kAnything);
  }
  return values;
}

/// Extends PCR where it is zero. Returns whether it was anywhere.
Result<bool> ExtendWhereZero(Tpm& tpm, unsigned pcr, ESYS_TR session) {
  std::vector<const PcrBank*> open = TRY(BanksAtZero(tpm, pcr, session));
  if (open.empty()) return false;
  TPML_DIGEST_VALUES values = SomethingFor(open);
  TRY_TPM("extend the latch's PCR",
          Esys_PCR_Extend(tpm.esys(), ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                          ESYS_TR_NONE, &values));
  return true;
}

Result<void> CloseAuthenticated(Tpm& tpm, ESYS_TR parent, unsigned pcr) {
  TpmObject session = TRY(StartSession(tpm, parent, TPM2_SE_HMAC, TPMA_SESSION_AUDIT));
  if (!TRY(ExtendWhereZero(tpm, pcr, session.tr()))) return {};
  if (TRY(BanksAtZero(tpm, pcr, session.tr())).empty()) return {};
  return Fail(Errc::kWrongTpm, "PCR " + std::to_string(pcr) + " is still zero after an extension");
}

}  // namespace

Result<void> ClosePcrLatch(Tpm& tpm, ESYS_TR parent, unsigned pcr) {
  Result<void> closed = CloseAuthenticated(tpm, parent, pcr);
  if (!closed) (void)ExtendWhereZero(tpm, pcr, ESYS_TR_NONE);
  return closed;
}

}  // namespace nvunlock
