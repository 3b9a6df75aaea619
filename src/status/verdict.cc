#include "src/status/verdict.h"

#include <algorithm>

#include "src/model/dimm_id.h"
#include "src/unlock/unlock.h"

namespace nvunlock {
namespace {

bool Opens(const TpmSlotFindings& slot) {
  return FirstProblem(slot.checks) == nullptr;
}

/// One run of Judge.
class Judging {
 public:
  explicit Judging(const Findings& findings) : findings_(findings) {}

  Judgement Run() {
    judgement_.problems = findings_.problems;
    judgement_.remarks = findings_.remarks;
    for (const std::string& note : findings_.pcrs.notes) judgement_.remarks.push_back(note);
    if (findings_.keks.empty() && findings_.problems.empty()) {
      Complain({Errc::kBadKeyFile, "nothing is enrolled: there is no key file"}, "");
    } else if (findings_.no_tpm) {
      Complain(*findings_.no_tpm, "");
    }
    for (const KekFindings& kek : findings_.keks) {
      if (kek.needed) JudgeKek(kek);
    }
    for (const BlobFindings& blob : findings_.blobs) {
      const Error* problem = FirstProblem(blob.checks);
      if (problem == nullptr) continue;
      if (NeedsBlob(blob.dimm_id)) {
        Complain(*problem, blob.dimm_id.canonical());
      } else {
        judgement_.remarks.push_back(blob.dimm_id.canonical() +
                                     " has no passphrase any more, but " + problem->message);
      }
    }
    for (const DimmFindings& dimm : findings_.dimms) {
      if (dimm.problem) Complain(*dimm.problem, "");
    }
    return std::move(judgement_);
  }

 private:
  void Complain(Error problem, const std::string& context) {
    judgement_.problems.push_back(context.empty() ? std::move(problem)
                                                  : std::move(problem).Within(context));
  }

  /// After an erasure or overwrite a DIMM has no passphrase.
  [[nodiscard]] bool NeedsBlob(const DimmId& id) const {
    return std::none_of(
        findings_.dimms.begin(), findings_.dimms.end(), [&](const DimmFindings& found) {
          return found.dimm.id == id && found.dimm.security == SecurityState::kDisabled;
        });
  }

  void JudgeKek(const KekFindings& kek) {
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
  void JudgeOpening(const KekFindings& kek) {
    bool without_pin = std::any_of(kek.slots.begin(), kek.slots.end(),
                                   [](const auto& slot) { return Opens(slot) && !slot.pin; });
    judgement_.pin = judgement_.pin || !without_pin;
    for (const Error& problem : kek.problems) {
      judgement_.remarks.push_back(kek.path + ": " + problem.message);
    }
    if (kek.image_is_outdated) {
      judgement_.remarks.push_back(kek.path + ": " + kek.image);
    }
    if (IsJudgedByNow(kek)) {
      judgement_.remarks.push_back(kek.kek.ToString() +
                                   ": there is neither a record of the initramfs' PCRs nor an "
                                   "event log: judged by their current values");
    }
  }

  [[nodiscard]] bool IsJudgedByNow(const KekFindings& kek) const {
    bool by_now = std::any_of(kek.slots.begin(), kek.slots.end(), [](const auto& slot) {
      return std::any_of(slot.pcrs.begin(), slot.pcrs.end(),
                         [](const PcrComparison& row) { return row.basis == PcrBasis::kCurrent; });
    });
    return by_now && findings_.pcrs.predicted.empty();
  }

  const Findings& findings_;
  Judgement judgement_;
};

}  // namespace

std::optional<Errc> Judgement::Verdict() const {
  std::set<Errc> codes;
  for (const Error& problem : problems) codes.insert(problem.code);
  return Deepest(codes);
}

Judgement Judge(const Findings& findings) {
  return Judging(findings).Run();
}

}  // namespace nvunlock
