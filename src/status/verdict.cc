// SPDX-License-Identifier: Apache-2.0
#include "src/status/verdict.h"

#include <algorithm>

#include "src/model/dimm_id.h"
#include "src/unlock/unlock.h"

namespace nvunlock {
namespace {

bool Opens(const TpmSlotStatus& slot) {
  return FirstProblem(slot.checks) == nullptr;
}

/// After an erasure or overwrite a DIMM has no passphrase.
bool NeedsBlob(const MachineStatus& status, const DimmId& id) {
  return std::none_of(status.dimms.begin(), status.dimms.end(), [&](const DimmStatus& found) {
    return found.dimm.id == id && found.dimm.security == SecurityState::kDisabled;
  });
}

bool IsByNow(const BranchStatus& branch) {
  return std::any_of(branch.pcrs.begin(), branch.pcrs.end(),
                     [](const PcrComparison& row) { return row.basis == PcrBasis::kCurrent; });
}

bool IsJudgedByNow(const KekStatus& kek) {
  return std::any_of(kek.slots.begin(), kek.slots.end(), [](const auto& slot) {
    return std::any_of(slot.approved.begin(), slot.approved.end(), IsByNow);
  });
}

/// What is still worth saying of a kek that opens.
void JudgeOpening(const KekStatus& kek, const PcrSources& pcrs, BootVerdict& verdict) {
  bool without_pin = std::any_of(kek.slots.begin(), kek.slots.end(),
                                 [](const auto& slot) { return Opens(slot) && !slot.pin; });
  verdict.pin = verdict.pin || !without_pin;
  for (const Error& problem : kek.problems) {
    verdict.remarks.push_back(kek.path + ": " + problem.message);
  }
  if (kek.image_is_outdated) verdict.remarks.push_back(kek.path + ": " + kek.image);
  if (IsJudgedByNow(kek) && pcrs.predicted.empty()) {
    verdict.remarks.push_back(kek.kek.ToString() +
                              ": there is neither a record of the initramfs' PCRs nor an "
                              "event log: judged by their current values");
  }
}

void JudgeKek(const KekStatus& kek, const PcrSources& pcrs, BootVerdict& verdict) {
  std::string name = kek.kek.ToString();
  if (kek.unreadable) return verdict.problems.push_back(*kek.unreadable);
  if (kek.slots.empty()) {
    return verdict.problems.push_back({Errc::kBadKeyFile, name + ": no TPM slot"});
  }
  if (std::any_of(kek.slots.begin(), kek.slots.end(), Opens)) {
    return JudgeOpening(kek, pcrs, verdict);
  }
  for (size_t i = 0; i < kek.slots.size(); i++) {
    verdict.problems.push_back(
        Error(*FirstProblem(kek.slots[i].checks)).Within(name + " slot " + std::to_string(i)));
  }
}

void JudgeBlob(const BlobStatus& blob, bool is_needed, BootVerdict& verdict) {
  const Error* problem = FirstProblem(blob.checks);
  std::string id = blob.dimm_id.canonical();
  if (problem == nullptr) return;
  if (is_needed) {
    verdict.problems.push_back(Error(*problem).Within(id));
  } else {
    verdict.remarks.push_back(id + " no longer has a passphrase, but " + problem->message);
  }
}

}  // namespace

std::optional<Errc> BootVerdict::Verdict() const {
  std::set<Errc> codes;
  for (const Error& problem : problems) codes.insert(problem.code);
  return Deepest(codes);
}

BootVerdict Judge(const MachineStatus& status) {
  BootVerdict verdict = {.problems = status.problems, .remarks = status.remarks};
  const std::vector<std::string>& notes = status.pcrs.notes;
  verdict.remarks.insert(verdict.remarks.end(), notes.begin(), notes.end());
  if (status.keks.empty() && status.problems.empty()) {
    verdict.problems.push_back({Errc::kBadKeyFile, "nothing is enrolled: there is no key file"});
  } else if (status.no_tpm) {
    verdict.problems.push_back(*status.no_tpm);
  }
  for (const KekStatus& kek : status.keks) {
    if (kek.needed) JudgeKek(kek, status.pcrs, verdict);
  }
  for (const BlobStatus& blob : status.blobs) {
    JudgeBlob(blob, NeedsBlob(status, blob.dimm_id), verdict);
  }
  for (const DimmStatus& dimm : status.dimms) {
    if (dimm.problem) verdict.problems.push_back(*dimm.problem);
  }
  return verdict;
}

}  // namespace nvunlock
