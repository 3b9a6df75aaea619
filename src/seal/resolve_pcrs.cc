// SPDX-License-Identifier: Apache-2.0
#include "src/seal/resolve_pcrs.h"

#include <algorithm>

#include "src/seal/choose_pcrs.h"

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

/// The value of PCR at the moment of the unlock, when that has been recorded.
const Bytes* FindRecorded(const std::optional<PcrRecord>& record, const PcrBank& bank,
                          unsigned pcr) {
  if (!record) return nullptr;
  auto values = record->banks.find(bank.name);
  if (values == record->banks.end()) return nullptr;
  auto value = values->second.find(pcr);
  return value == values->second.end() ? nullptr : &value->second;
}

std::optional<PcrValues> ResolveValues(const PcrTerms& terms, const PcrBank& bank,
                                       const std::optional<PcrRecord>& record,
                                       const PcrValues& current) {
  PcrValues values;
  for (const auto& [pcr, given] : terms.pcrs) {
    const Bytes* recorded = FindRecorded(record, bank, pcr);
    if (!given && recorded == nullptr && ChangesAfterInitramfs(pcr)) return std::nullopt;
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

/// systemd-stub measures the UKI into PCR 11, so anything in there says that it ran.
constexpr unsigned kStubPcr = 11;

}  // namespace

Result<ResolvedPcrs> ResolvePcrs(Tpm& tpm, const PcrTerms& terms,
                                 const std::optional<PcrRecord>& record, const Coverage& coverage) {
  constexpr uint32_t kAllPcrs = (1U << kPcrCount) - 1;
  ResolvedPcrs resolved;
  resolved.bank = TRY(ChooseBank(tpm, terms.bank));
  PcrValues current = TRY(ReadPcrs(tpm, *resolved.bank, kAllPcrs));
  resolved.terms = terms;
  if (terms.pcrs.empty() && coverage.choose) {
    resolved.terms = TRY(ChoosePcrs(*resolved.bank, current));
  }
  bool is_covered = coverage.weak_policy || coverage.by_signature;
  if (resolved.terms.pcrs.empty()) {
    if (!is_covered) TRY(CheckCoversBoot({}, {}));
    return resolved;
  }
  resolved.values = ResolveValues(resolved.terms, *resolved.bank, record, current);
  BootFacts facts = {.secure_boot = coverage.secure_boot,
                     .by_stub = !IsResetValue(current[kStubPcr])};
  std::erase_if(current,
                [&](const auto& entry) { return !resolved.terms.pcrs.contains(entry.first); });
  const PcrValues& judged = resolved.values ? *resolved.values : current;
  TRY(CheckMeasured(*resolved.bank, judged));
  if (!is_covered) TRY(CheckCoversBoot(judged, facts));
  return resolved;
}

}  // namespace nvunlock
