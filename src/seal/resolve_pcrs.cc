// SPDX-License-Identifier: Apache-2.0
#include "src/seal/resolve_pcrs.h"

#include <algorithm>

namespace nvunlock {
namespace {

Result<const PcrBank*> ChooseBank(Tpm& tpm, const PcrBank* wanted) {
  std::vector<const PcrBank*> active = TRY(ActivePcrBanks(tpm));
  if (active.empty()) return Fail("this TPM has no PCR bank active; activate one in the firmware");
  if (wanted == nullptr) return active.front();
  if (std::find(active.begin(), active.end(), wanted) == active.end()) {
    return Fail(std::string("PCR bank ") + wanted->name +
                " is not active in this TPM: a policy on it would assert nothing");
  }
  return wanted;
}

uint32_t MaskOfTerms(const PcrTerms& terms) {
  uint32_t mask = 0;
  for (const auto& [pcr, value] : terms.pcrs) mask |= 1U << pcr;
  return mask;
}

/// The value of PCR at the moment of the unlock, when that has been recorded.
const Bytes* FindRecorded(const std::optional<PcrRecord>& record, const PcrBank& bank,
                          unsigned pcr) {
  if (!record) return nullptr;
  auto values = record->banks.find(bank.name);
  if (values == record->banks.end()) return nullptr;
  auto value = values->second.find(pcr);
  return value == values->second.end() ? nullptr : &value->second;
}

Result<PcrValues> ResolveValues(const PcrTerms& terms, const PcrBank& bank,
                                const std::optional<PcrRecord>& record, const PcrValues& current) {
  PcrValues values;
  for (const auto& [pcr, given] : terms.pcrs) {
    const Bytes* recorded = FindRecorded(record, bank, pcr);
    if (!given && recorded == nullptr && ChangesAfterInitramfs(pcr)) {
      return Fail("PCR " + std::to_string(pcr) +
                  " has changed since the initramfs, and its value there was not recorded; boot an "
                  "image that runs 'nvunlock unlock', or give its digest");
    }
    values[pcr] = given ? *given : recorded != nullptr ? *recorded : current.at(pcr);
  }
  return values;
}

Result<void> CheckMeasured(const PcrBank& bank, const PcrValues& values) {
  bool all_reset = std::all_of(values.begin(), values.end(),
                               [](const auto& entry) { return IsResetValue(entry.second); });
  if (!all_reset) return {};
  return Fail(std::string("nothing has been measured into these PCRs of bank ") + bank.name +
              ": a policy on them would assert nothing");
}

/// systemd-stub measures the UKI into PCR 11, so anything in there says that it ran. Then PCR 12
/// at its reset value asserts something too: that no other command line was given.
constexpr unsigned kStubPcr = 11;
constexpr unsigned kStubCommandLinePcr = 12;

Result<void> CheckCoversBoot(const PcrValues& values, bool booted_by_stub) {
  bool covers = std::any_of(values.begin(), values.end(), [&](const auto& entry) {
    bool says_something =
        !IsResetValue(entry.second) || (booted_by_stub && entry.first == kStubCommandLinePcr);
    return CoversInitrdOrCommandLine(entry.first) && says_something;
  });
  if (covers) return {};
  return Fail(
      "a policy on these PCRs would also open for an initrd or a kernel command line of somebody "
      "else; add PCR 8 (GRUB) or 12 (UKI, systemd-boot), or accept that with --weak-policy");
}

}  // namespace

Result<ResolvedPcrs> ResolvePcrs(Tpm& tpm, const PcrTerms& terms,
                                 const std::optional<PcrRecord>& record, bool weak_policy) {
  ResolvedPcrs resolved;
  resolved.bank = TRY(ChooseBank(tpm, terms.bank));
  if (terms.pcrs.empty()) {
    if (!weak_policy) TRY(CheckCoversBoot({}, false));
    resolved.hold_now = true;
    return resolved;
  }
  uint32_t mask = MaskOfTerms(terms);
  PcrValues current = TRY(ReadPcrs(tpm, *resolved.bank, mask | 1U << kStubPcr));
  resolved.values = TRY(ResolveValues(terms, *resolved.bank, record, current));
  TRY(CheckMeasured(*resolved.bank, resolved.values));
  if (!weak_policy) TRY(CheckCoversBoot(resolved.values, !IsResetValue(current[kStubPcr])));
  if ((mask & 1U << kStubPcr) == 0) current.erase(kStubPcr);
  resolved.hold_now = resolved.values == current;
  return resolved;
}

}  // namespace nvunlock
