// SPDX-License-Identifier: Apache-2.0
#include "src/status/predict_pcrs.h"

#include <algorithm>

#include "src/model/pcr_terms.h"
#include "src/os/file.h"
#include "src/records/record_pcrs.h"
#include "src/status/event_log.h"

namespace nvunlock {
namespace {

constexpr uint32_t kAllPcrs = (1U << kPcrCount) - 1;

void AddRecorded(const Environment& environment, PcrSources& sources) {
  Result<std::optional<PcrRecord>> record = ReadPcrRecord(environment);
  if (record) {
    sources.recorded = std::move(*record);
  } else {
    sources.notes.push_back(std::move(record.error().message));
  }
}

Result<EventLog> ReadEventLog(const std::string& path) {
  Bytes log = TRY(ReadKernelFile(path, kEventLogLimit));
  return TRY_IN(path, ReplayEventLog(log));
}

void AddPredicted(const Environment& environment, PcrSources& sources) {
  if (!Exists(environment.event_log)) return;
  Result<EventLog> log = ReadEventLog(environment.event_log);
  if (!log) {
    sources.notes.push_back("the firmware's event log is not used: " + log.error().message);
    return;
  }
  sources.events = log->events;
  sources.predicted = std::move(log->banks);
}

Result<void> AddCurrent(Tpm& tpm, PcrSources& sources) {
  for (const PcrBank* bank : TRY(ActivePcrBanks(tpm))) {
    sources.current[bank->name] = TRY(ReadPcrs(tpm, *bank, kAllPcrs));
  }
  return {};
}

std::optional<Bytes> Find(const PcrBanks& banks, const PcrBank& bank, unsigned pcr) {
  auto values = banks.find(bank.name);
  if (values == banks.end()) return std::nullopt;
  auto value = values->second.find(pcr);
  if (value == values->second.end()) return std::nullopt;
  return value->second;
}

/// Sets what ROW expects by the first of its sources that is known.
class Expectation {
 public:
  explicit Expectation(PcrComparison& row) : row_(row) {}

  /// Takes VALUE; false when it is not known.
  bool Take(const std::optional<Bytes>& value, PcrBasis basis) {
    if (!value) return false;
    row_.expected = value;
    row_.basis = basis;
    return true;
  }

  bool TakeIfEnrolled(const std::optional<Bytes>& value, PcrBasis basis) {
    return value == row_.enrolled && Take(value, basis);
  }

 private:
  PcrComparison& row_;
};

/// Without a record of the initramfs it takes some guessing. Not every firmware logs all that it
/// measures, and what a PCR holds later it held in the initramfs, unless it is one that changes.
void Expect(PcrComparison& row, bool recorded_in_initramfs, bool is_latch) {
  Expectation expectation(row);
  if (recorded_in_initramfs && expectation.Take(row.recorded, PcrBasis::kRecorded)) return;
  if (expectation.TakeIfEnrolled(row.predicted, PcrBasis::kPredicted)) return;
  bool changes = ChangesAfterInitramfs(row.pcr);
  if (!changes && expectation.TakeIfEnrolled(row.recorded, PcrBasis::kRecorded)) return;
  if (!changes && expectation.TakeIfEnrolled(row.current, PcrBasis::kCurrent)) return;
  if (expectation.Take(row.predicted, PcrBasis::kPredicted)) return;
  if (is_latch && expectation.Take(Bytes(row.bank->digest_size), PcrBasis::kReset)) return;
  if (!changes && expectation.Take(row.recorded, PcrBasis::kRecorded)) return;
  expectation.Take(row.current, PcrBasis::kCurrent);
}

/// The values that the key file names, unless they are not what its policy was made of.
PcrValues EnrolledValues(const TpmSlot& slot) {
  PcrValues values;
  Result<PcrTerms> terms = ParsePcrTerms(slot.pcr_values);
  if (!terms || terms->bank == nullptr) return values;
  for (const auto& [pcr, value] : terms->pcrs) {
    if (value) values[pcr] = *value;
  }
  PcrPolicy made_of_them = PolicyForValues(*terms->bank, values);
  bool is_true = EncodePcrPolicy(made_of_them) == EncodePcrPolicy(*slot.key.policy.pcrs);
  return is_true ? values : PcrValues();
}

PcrComparison Compare(const PcrBank& bank, unsigned pcr, const PcrValues& enrolled,
                      const PcrSources& sources) {
  PcrComparison row = {.bank = &bank, .pcr = pcr};
  if (auto value = enrolled.find(pcr); value != enrolled.end()) row.enrolled = value->second;
  if (sources.recorded) row.recorded = Find(sources.recorded->banks, bank, pcr);
  row.predicted = Find(sources.predicted, bank, pcr);
  row.current = Find(sources.current, bank, pcr);
  return row;
}

std::vector<PcrComparison> CompareSelected(const TPML_PCR_SELECTION& selections,
                                           const PcrValues& enrolled, const LatchChoice& latch,
                                           const PcrSources& sources) {
  std::vector<PcrComparison> rows;
  bool in_initramfs = sources.recorded && sources.recorded->in_initramfs;
  for (UINT32 i = 0; i < selections.count; i++) {
    const PcrBank* bank = FindPcrBank(selections.pcrSelections[i].hash);
    if (bank == nullptr) continue;
    for (unsigned pcr = 0; pcr < kPcrCount; pcr++) {
      if ((MaskOf(selections.pcrSelections[i]) & 1U << pcr) == 0) continue;
      PcrComparison row = Compare(*bank, pcr, enrolled, sources);
      Expect(row, in_initramfs, latch == LatchChoice{LatchKind::kPcr, pcr});
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace

PcrSources GatherPcrs(const Environment& environment, TpmConnection& connection) {
  PcrSources sources;
  AddRecorded(environment, sources);
  AddPredicted(environment, sources);
  Result<Tpm*> tpm = connection.Get();
  if (!tpm) return sources;
  Result<void> added = AddCurrent(**tpm, sources);
  if (!added) sources.notes.push_back(std::move(added.error().message));
  return sources;
}

std::vector<PcrComparison> ComparePcrs(const TpmSlot& slot, const PcrSources& sources) {
  if (!slot.key.policy.pcrs) return {};
  return CompareSelected(slot.key.policy.pcrs->pcrs, EnrolledValues(slot), slot.latch, sources);
}

std::vector<PcrComparison> ComparePcrs(const SignedPolicy& policy, const PcrSources& sources) {
  return CompareSelected(policy.pcrs, {}, {LatchKind::kNone}, sources);
}

bool HasSignatureFor(const SignedPolicy& policy, const std::vector<PcrComparison>& pcrs) {
  PcrPolicy selected = {.pcrs = policy.pcrs, .pcr_digest = {}};
  std::optional<PcrPolicy> expected = ExpectedPolicy(selected, pcrs);
  if (!expected) return false;
  Sha256Digest approved = ApprovedDigest(*expected);
  return std::any_of(policy.signatures.begin(), policy.signatures.end(),
                     [&](const PolicySignature& entry) { return entry.policy == approved; });
}

std::optional<PcrPolicy> ExpectedPolicy(const PcrPolicy& policy,
                                        const std::vector<PcrComparison>& pcrs) {
  Bytes concatenated;
  for (const PcrComparison& row : pcrs) {
    if (!row.expected) return std::nullopt;
    concatenated.insert(concatenated.end(), row.expected->begin(), row.expected->end());
  }
  return PcrPolicy{.pcrs = policy.pcrs, .pcr_digest = Sha256({concatenated})};
}

}  // namespace nvunlock
