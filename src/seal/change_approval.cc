// SPDX-License-Identifier: Apache-2.0
#include "src/seal/change_approval.h"

#include <algorithm>
#include <utility>

namespace nvunlock {
namespace {

PcrTerms TermsOf(const TPMS_PCR_SELECTION& pcrs) {
  PcrTerms terms = {.bank = FindPcrBank(pcrs.hash), .pcrs = {}};
  for (unsigned pcr = 0; pcr < kPcrCount; pcr++) {
    if ((MaskOf(pcrs) & 1U << pcr) != 0) terms.pcrs.emplace(pcr, std::nullopt);
  }
  return terms;
}

/// The terms that give the PCRs of this boot. Which ones were found good enough before still are;
/// where that is not known, they are chosen.
PolicyTerms TermsOfNow(const Approval& base, const ApprovalChange& change) {
  PolicyTerms terms = {.pcrs = change.pcrs ? *change.pcrs : TermsOf(base.pcrs)};
  terms.weak_policy = change.weak_policy || (!change.pcrs && !terms.pcrs.pcrs.empty());
  return terms;
}

/// The terms that give signed PCRs, and those beside them whose values are not signed.
PolicyTerms TermsOfSigned(const ApprovalChange& change) {
  return {.pcrs = change.pcrs.value_or(PcrTerms()),
          .signed_pcrs = change.signed_pcrs,
          .weak_policy = change.weak_policy};
}

/// What this boot adds to what is approved.
Result<ApprovalPlan> PlanThisBoot(const Environment& environment, Tpm& tpm, ESYS_TR parent,
                                  const Approval& base, const ApprovalChange& change) {
  if (change.signed_pcrs) return PlanApproval(environment, tpm, parent, TermsOfSigned(change));
  // Where only signed PCRs were approved, there is nothing to learn.
  bool is_learnt = change.learn && MaskOf(base.pcrs) != 0;
  bool is_wanted = change.only_now || is_learnt || change.pcrs;
  if (!is_wanted) return ApprovalPlan();
  return PlanApproval(environment, tpm, parent, TermsOfNow(base, change));
}

bool IsForPcrs(const Branch& branch) {
  return branch.pcrs && !branch.boots && !branch.signed_pcrs;
}

/// Announced in this boot, NOW, for the next ones.
bool IsPending(const BootLimit& boots, const BootNumber& now) {
  return boots.after.resets == now.resets && boots.after.restarts == now.restarts;
}

/// Boots that were learnt end, but not those that were announced since. What is over is forgotten.
bool StaysApproved(const BootLimit& boots, const ApprovalChange& change, const BootNumber& now) {
  if (change.only_now || change.revoke || change.next_boots > 0) return false;
  return change.learn ? IsPending(boots, now) : boots.last > now.resets;
}

bool Contains(const std::vector<Branch>& branches, const Branch& wanted) {
  return std::any_of(branches.begin(), branches.end(),
                     [&](const Branch& other) { return DigestOf(other) == DigestOf(wanted); });
}

/// Those of BASE that stay beside what is MADE of this boot. Learning keeps the PCRs that were
/// approved last.
std::vector<Branch> KeptBranches(const Approval& base, const ApprovalChange& change,
                                 const BootNumber& now, const std::vector<Branch>& made) {
  std::vector<Branch> kept;
  bool has_pcrs = false;
  for (const Branch& branch : base.branches) {
    bool stays = !change.only_now;
    if (branch.boots) {
      stays = StaysApproved(*branch.boots, change, now);
    } else if (change.learn && IsForPcrs(branch)) {
      stays = !Contains(made, branch) && !std::exchange(has_pcrs, true);
    }
    if (stays) kept.push_back(branch);
  }
  return kept;
}

/// As many resets as CHANGE wants, and no fewer than are approved already.
unsigned CountResets(const Approval& base, const ApprovalChange& change, const BootNumber& now) {
  unsigned count = change.next_boots;
  if (change.only_now || change.revoke) return count;
  for (const Branch& branch : base.branches) {
    if (branch.boots && IsPending(*branch.boots, now)) {
      count = std::max(count, branch.boots->last - now.resets);
    }
  }
  return count;
}

/// New branches come first, and none twice.
void AddBranches(const std::vector<Branch>& more, Approval& approval) {
  for (const Branch& branch : more) {
    if (!Contains(approval.branches, branch)) approval.branches.push_back(branch);
  }
}

/// What is new in PLAN, which has learnt this boot.
void NoteWhatIsNew(const Approval& base, ApprovalPlan& plan) {
  if (plan.approval.branches.empty()) return;
  const std::optional<PcrPolicy>& now = plan.approval.branches.front().pcrs;
  auto before = std::find_if(base.branches.begin(), base.branches.end(), IsForPcrs);
  if (!now || before == base.branches.end()) return;
  std::string text = DescribeDifference(*now, *before->pcrs);
  if (!text.empty()) plan.notes.push_back("new since what was approved last: " + text);
}

}  // namespace

bool DependsOnBootFiles(const Approval& approval) {
  constexpr uint32_t kFilePcrs = 1U << 4 | 1U << 5 | 1U << 8 | 1U << 9 | 1U << 11 | 1U << 12;
  return (MaskOf(approval.pcrs) & kFilePcrs) != 0;
}

Result<ApprovalPlan> ChangeApproval(const Environment& environment, Tpm& tpm, ESYS_TR parent,
                                    const Approval& base, const ApprovalChange& change) {
  BootNumber now = TRY(NumberOfThisBoot(tpm, parent));
  ApprovalPlan plan = TRY(PlanThisBoot(environment, tpm, parent, base, change));
  Approval& approval = plan.approval;
  bool keeps_pcrs = MaskOf(approval.pcrs) == 0 && !change.only_now;
  if (keeps_pcrs) approval.pcrs = base.pcrs;
  if (change.learn) NoteWhatIsNew(base, plan);
  AddBranches(KeptBranches(base, change, now, approval.branches), approval);
  if (change.next_boots > 0) {
    unsigned count = CountResets(base, change, now);
    AddBranches({TRY(PlanNextBoots(tpm, parent, approval.pcrs, count))}, approval);
  }
  // To approve nothing takes a policy, too: one that never holds.
  if (approval.branches.empty() && change.revoke) {
    approval.branches.push_back({.boots = BootLimit{.after = now, .last = 0}});
  }
  if (!approval.branches.empty()) return plan;
  return Fail(Errc::kUsage,
              "then nothing would be approved; approve this boot as well, with --now");
}

}  // namespace nvunlock
