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

/// One run of Judge.
class Judging {
 public:
  explicit Judging(const MachineStatus& status) : status_(status) {}

  BootVerdict Run() {
    verdict_.problems = status_.problems;
    verdict_.remarks = status_.remarks;
    for (const std::string& note : status_.pcrs.notes) verdict_.remarks.push_back(note);
    if (status_.keks.empty() && status_.problems.empty()) {
      Complain({Errc::kBadKeyFile, "nothing is enrolled: there is no key file"}, "");
    } else if (status_.no_tpm) {
      Complain(*status_.no_tpm, "");
    }
    for (const KekStatus& kek : status_.keks) {
      if (kek.needed) JudgeKek(kek);
    }
    for (const BlobStatus& blob : status_.blobs) {
      const Error* problem = FirstProblem(blob.checks);
      if (problem == nullptr) continue;
      if (NeedsBlob(blob.dimm_id)) {
        Complain(*problem, blob.dimm_id.canonical());
      } else {
        verdict_.remarks.push_back(blob.dimm_id.canonical() + " has no passphrase any more, but " +
                                   problem->message);
      }
    }
    for (const DimmStatus& dimm : status_.dimms) {
      if (dimm.problem) Complain(*dimm.problem, "");
    }
    return std::move(verdict_);
  }

 private:
  void Complain(Error problem, const std::string& context) {
    verdict_.problems.push_back(context.empty() ? std::move(problem)
                                                : std::move(problem).Within(context));
  }

  /// After an erasure or overwrite a DIMM has no passphrase.
  [[nodiscard]] bool NeedsBlob(const DimmId& id) const {
    return std::none_of(status_.dimms.begin(), status_.dimms.end(), [&](const DimmStatus& found) {
      return found.dimm.id == id && found.dimm.security == SecurityState::kDisabled;
    });
  }

  void JudgeKek(const KekStatus& kek) {
    std::string name = kek.kek.ToString();
    if (kek.unreadable) return Complain(*kek.unreadable, "");
    if (kek.slots.empty()) return Complain({Errc::kBadKeyFile, "no TPM slot"}, name);
    if (std::any_of(kek.slots.begin(), kek.slots.end(), Opens)) {
      JudgeOpening(kek);
    } else {
      for (size_t i = 0; i < kek.slots.size(); i++) {
        Complain(*FirstProblem(kek.slots[i].checks), name + " slot " + std::to_string(i));
      }
    }
  }

  /// What is still worth saying of a kek that opens.
  void JudgeOpening(const KekStatus& kek) {
    bool without_pin = std::any_of(kek.slots.begin(), kek.slots.end(),
                                   [](const auto& slot) { return Opens(slot) && !slot.pin; });
    verdict_.pin = verdict_.pin || !without_pin;
    for (const Error& problem : kek.problems) {
      verdict_.remarks.push_back(kek.path + ": " + problem.message);
    }
    if (kek.image_is_outdated) {
      verdict_.remarks.push_back(kek.path + ": " + kek.image);
    }
    if (IsJudgedByNow(kek)) {
      verdict_.remarks.push_back(kek.kek.ToString() +
                                 ": there is neither a record of the initramfs' PCRs nor an "
                                 "event log: judged by their current values");
    }
  }

  [[nodiscard]] bool IsJudgedByNow(const KekStatus& kek) const {
    bool by_now = std::any_of(kek.slots.begin(), kek.slots.end(), [](const auto& slot) {
      return std::any_of(slot.pcrs.begin(), slot.pcrs.end(),
                         [](const PcrComparison& row) { return row.basis == PcrBasis::kCurrent; });
    });
    return by_now && status_.pcrs.predicted.empty();
  }

  const MachineStatus& status_;
  BootVerdict verdict_;
};

}  // namespace

std::optional<Errc> BootVerdict::Verdict() const {
  std::set<Errc> codes;
  for (const Error& problem : problems) codes.insert(problem.code);
  return Deepest(codes);
}

BootVerdict Judge(const MachineStatus& status) {
  return Judging(status).Run();
}

}  // namespace nvunlock
