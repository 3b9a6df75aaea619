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

  /// Takes VALUE if it is the approved one, as far as that is known.
  bool TakeIfApproved(const std::optional<Bytes>& value, PcrBasis basis) {
    bool fits = value && row_.approved &&
                std::equal(row_.approved->begin(), row_.approved->end(), value->begin());
    return fits && Take(value, basis);
  }

 private:
  PcrComparison& row_;
};

/// Without a record of the initramfs it takes some guessing. Not every firmware logs all that it
/// measures, and what a PCR holds later it held in the initramfs, unless it is one that changes.
void Expect(PcrComparison& row, bool recorded_in_initramfs) {
  Expectation expectation(row);
  if (recorded_in_initramfs && expectation.Take(row.recorded, PcrBasis::kRecorded)) return;
  if (expectation.TakeIfApproved(row.predicted, PcrBasis::kPredicted)) return;
  bool changes = ChangesAfterInitramfs(row.pcr);
  if (!changes && expectation.TakeIfApproved(row.recorded, PcrBasis::kRecorded)) return;
  if (!changes && expectation.TakeIfApproved(row.current, PcrBasis::kCurrent)) return;
  if (expectation.Take(row.predicted, PcrBasis::kPredicted)) return;
  if (!changes && expectation.Take(row.recorded, PcrBasis::kRecorded)) return;
  expectation.Take(row.current, PcrBasis::kCurrent);
}

PcrComparison Compare(const PcrBank& bank, unsigned pcr, const PcrSources& sources) {
  PcrComparison row = {.bank = &bank, .pcr = pcr};
  if (sources.recorded) row.recorded = Find(sources.recorded->banks, bank, pcr);
  row.predicted = Find(sources.predicted, bank, pcr);
  row.current = Find(sources.current, bank, pcr);
  return row;
}

/// Takes the beginning of the next value from the front of BEGINNINGS.
std::optional<Bytes> TakeBeginning(ByteView& beginnings) {
  if (beginnings.size() < kBeginningSize) return std::nullopt;
  ByteView taken = beginnings.first(kBeginningSize);
  beginnings = beginnings.subspan(kBeginningSize);
  return Bytes(taken.begin(), taken.end());
}

std::vector<PcrComparison> CompareSelected(const TPMS_PCR_SELECTION& selection, ByteView beginnings,
                                           const PcrSources& sources) {
  std::vector<PcrComparison> rows;
  bool in_initramfs = sources.recorded && sources.recorded->in_initramfs;
  const PcrBank* bank = FindPcrBank(selection.hash);
  for (unsigned pcr = 0; pcr < kPcrCount && bank != nullptr; pcr++) {
    if ((MaskOf(selection) & 1U << pcr) == 0) continue;
    PcrComparison row = Compare(*bank, pcr, sources);
    row.approved = TakeBeginning(beginnings);
    Expect(row, in_initramfs);
    rows.push_back(std::move(row));
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

std::vector<PcrComparison> ComparePcrs(const PcrPolicy& policy, const PcrSources& sources) {
  return CompareSelected(policy.pcrs.pcrSelections[0], policy.beginnings, sources);
}

std::vector<PcrComparison> ComparePcrs(const SignedPolicy& policy, const PcrSources& sources) {
  return CompareSelected(policy.pcrs.pcrSelections[0], {}, sources);
}

std::optional<PcrPolicy> ExpectedPolicy(const TPML_PCR_SELECTION& selection,
                                        const std::vector<PcrComparison>& pcrs) {
  Bytes concatenated;
  for (const PcrComparison& row : pcrs) {
    if (!row.expected) return std::nullopt;
    concatenated.insert(concatenated.end(), row.expected->begin(), row.expected->end());
  }
  return PcrPolicy{.pcrs = selection, .pcr_digest = Sha256({concatenated}), .beginnings = {}};
}

}  // namespace nvunlock
