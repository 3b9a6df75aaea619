// SPDX-License-Identifier: Apache-2.0
#include "tpm/pcr.h"

#include <algorithm>
#include <optional>

#include "tpm/rc.h"

namespace nvunlock {
namespace {

constexpr UINT8 kSelectBytes = kPcrCount / 8;

Failure FailUnfit() {
  return Fail(Errc::kWrongTpm, "read PCRs: the TPM's answer does not fit the question");
}

/// Moves the digests that one TPM2_PCR_Read of the PCRs WANTED returned into VALUES. Returns the
/// PCRs it was for: a TPM gives as many at a time as it likes.
Result<uint32_t> TakeDigests(const PcrBank& bank, uint32_t wanted,
                             const TPML_PCR_SELECTION& selection, const TPML_DIGEST& digests,
                             PcrValues& values) {
  uint32_t mask = selection.count == 1 ? MaskOf(selection.pcrSelections[0]) : 0;
  if ((mask & ~wanted) != 0) return FailUnfit();
  UINT32 next = 0;
  for (unsigned pcr = 0; pcr < kPcrCount; pcr++) {
    if ((mask & 1U << pcr) == 0) continue;
    if (next >= digests.count || digests.digests[next].size != bank.digest_size) {
      return FailUnfit();
    }
    const TPM2B_DIGEST& digest = digests.digests[next++];
    values[pcr] = Bytes(digest.buffer, digest.buffer + digest.size);
  }
  return mask;
}

/// One round of reads, as many commands as it takes; nullopt when a PCR changed in between.
Result<std::optional<PcrValues>> ReadOnce(Tpm& tpm, const PcrBank& bank, uint32_t mask,
                                          ESYS_TR session) {
  PcrValues values;
  std::optional<UINT32> first_counter;
  while (mask != 0) {
    TPML_PCR_SELECTION wanted = {.count = 1, .pcrSelections = {SelectPcrs(bank, mask)}};
    UINT32 counter = 0;
    TPML_PCR_SELECTION* selection = nullptr;
    TPML_DIGEST* digests = nullptr;
    TRY_TPM("read PCRs", Esys_PCR_Read(tpm.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, &wanted,
                                       &counter, &selection, &digests));
    EsysPtr<TPML_PCR_SELECTION> owned_selection(selection);
    EsysPtr<TPML_DIGEST> owned_digests(digests);
    if (first_counter.value_or(counter) != counter) return std::optional<PcrValues>();
    first_counter = counter;
    uint32_t done = TRY(TakeDigests(bank, mask, *selection, *digests, values));
    if ((done & mask) == 0) {
      return Fail(std::string("PCR bank ") + bank.name + " is not active in this TPM");
    }
    mask &= ~done;
  }
  return std::optional(std::move(values));
}

}  // namespace

const std::vector<PcrBank>& KnownPcrBanks() {
  static const std::vector<PcrBank> banks = {
      {TPM2_ALG_SHA256, "sha256", 32},
      {TPM2_ALG_SHA384, "sha384", 48},
      {TPM2_ALG_SHA512, "sha512", 64},
      {TPM2_ALG_SHA1, "sha1", 20},
  };
  return banks;
}

const PcrBank* FindPcrBank(std::string_view name) {
  for (const PcrBank& bank : KnownPcrBanks()) {
    if (name == bank.name) return &bank;
  }
  return nullptr;
}

const PcrBank* FindPcrBank(TPM2_ALG_ID algorithm) {
  for (const PcrBank& bank : KnownPcrBanks()) {
    if (algorithm == bank.algorithm) return &bank;
  }
  return nullptr;
}

TPMS_PCR_SELECTION SelectPcrs(const PcrBank& bank, uint32_t mask) {
  TPMS_PCR_SELECTION selection = {};
  selection.hash = bank.algorithm;
  selection.sizeofSelect = kSelectBytes;
  for (unsigned i = 0; i < kSelectBytes; i++) {
    selection.pcrSelect[i] = static_cast<BYTE>(mask >> 8 * i);
  }
  return selection;
}

uint32_t MaskOf(const TPMS_PCR_SELECTION& selection) {
  uint32_t mask = 0;
  for (unsigned i = 0; i < kSelectBytes && i < selection.sizeofSelect; i++) {
    mask |= static_cast<uint32_t>(selection.pcrSelect[i]) << 8 * i;
  }
  return mask;
}

Result<std::vector<const PcrBank*>> ActivePcrBanks(Tpm& tpm, ESYS_TR session) {
  TPMI_YES_NO more = 0;
  TPMS_CAPABILITY_DATA* capability = nullptr;
  TRY_TPM("list PCR banks", Esys_GetCapability(tpm.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE,
                                               TPM2_CAP_PCRS, 0, 1, &more, &capability));
  EsysPtr<TPMS_CAPABILITY_DATA> owned(capability);
  constexpr uint32_t kAllPcrs = (1U << kPcrCount) - 1;
  const TPML_PCR_SELECTION& allocated = capability->data.assignedPCR;
  std::vector<const PcrBank*> active;
  for (const PcrBank& bank : KnownPcrBanks()) {
    for (UINT32 i = 0; i < std::min<UINT32>(allocated.count, TPM2_NUM_PCR_BANKS); i++) {
      const TPMS_PCR_SELECTION& selection = allocated.pcrSelections[i];
      if (selection.hash == bank.algorithm && MaskOf(selection) == kAllPcrs) {
        active.push_back(&bank);
      }
    }
  }
  return active;
}

Result<PcrValues> ReadPcrs(Tpm& tpm, const PcrBank& bank, uint32_t mask, ESYS_TR session) {
  // IMA and systemd extend PCRs at any moment; a mixture of old and new values would never match.
  constexpr int kRounds = 10;
  for (int round = 0; round < kRounds; round++) {
    std::optional<PcrValues> values = TRY(ReadOnce(tpm, bank, mask, session));
    if (values) return std::move(*values);
  }
  return Fail("read PCRs: they kept changing");
}

}  // namespace nvunlock
