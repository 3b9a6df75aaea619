#include "tpm/pcr_latch.h"

#include <algorithm>

#include "tpm/pcr.h"
#include "tpm/rc.h"

namespace nvunlock {
namespace {

/// The active banks in which PCR is zero.
Result<std::vector<const PcrBank*>> BanksAtZero(Tpm& tpm, unsigned pcr) {
  std::vector<const PcrBank*> at_zero;
  for (const PcrBank* bank : TRY(ActivePcrBanks(tpm))) {
    PcrValues values = TRY(ReadPcrs(tpm, *bank, 1U << pcr));
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

}  // namespace

Result<void> ClosePcrLatch(Tpm& tpm, unsigned pcr) {
  std::vector<const PcrBank*> open = TRY(BanksAtZero(tpm, pcr));
  if (open.empty()) return {};
  TPML_DIGEST_VALUES values = SomethingFor(open);
  TRY_TPM("extend the latch's PCR",
          Esys_PCR_Extend(tpm.esys(), ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                          ESYS_TR_NONE, &values));
  if (TRY(BanksAtZero(tpm, pcr)).empty()) return {};
  return Fail(Errc::kWrongTpm, "PCR " + std::to_string(pcr) + " is still zero after an extension");
}

}  // namespace nvunlock
