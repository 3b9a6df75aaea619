// SPDX-License-Identifier: Apache-2.0
#include "src/status/inspect_tpm_slot.h"

#include <algorithm>

#include "src/seal/approve.h"
#include "src/status/status.h"
#include "tpm/sealed_object.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

Check Judge(const char* subject, const Result<void>& result, const char* good, const char* bad) {
  if (result) return {.subject = subject, .state = good, .problem = std::nullopt};
  return {.subject = subject, .state = bad, .problem = result.error()};
}

Check CheckSrk(Tpm& tpm, const TpmSlot& slot) {
  return Judge("storage root key", CheckParent(tpm, slot.key.parent_handle, slot.parent),
               "as enrolled", "not as enrolled");
}

Result<void> TryLoad(Tpm& tpm, const TpmSlot& slot) {
  ESYS_TR parent = TRY(PinParent(tpm, slot.key.parent_handle, slot.parent));
  Result<void> loads = CheckLoads(tpm, parent, slot.key.sealed);
  Esys_TR_Close(tpm.esys(), &parent);
  return loads;
}

Check CheckObject(Tpm& tpm, const TpmSlot& slot) {
  return Judge("sealed object", TryLoad(tpm, slot), "loads", "does not load");
}

Check CheckDigest(const TpmSlot& slot, const Sha256Digest& digest) {
  Result<Bytes> wanted = AuthPolicyOf(slot.key.sealed);
  Result<void> same;
  if (!wanted) {
    same = Failure(wanted.error());
  } else if (!std::ranges::equal(*wanted, digest)) {
    same = Fail(Errc::kBadKeyFile,
                "the policy in the key file is not the one that the secret was sealed under");
  }
  return Judge("policy digest", same, "that of the sealed object", "not that of the sealed object");
}

const char* Describe(PcrBasis basis) {
  switch (basis) {
    case PcrBasis::kRecorded:
      return "by the values recorded in this boot";
    case PcrBasis::kPredicted:
      return "by the firmware's event log";
    case PcrBasis::kCurrent:
      return "by their current values";
    case PcrBasis::kNothing:
      break;
  }
  return "by nothing: their values are not known";
}

/// The one that is trusted least says how much the whole is worth.
PcrBasis WeakestBasis(const std::vector<PcrComparison>& pcrs) {
  PcrBasis weakest = PcrBasis::kRecorded;
  for (const PcrComparison& row : pcrs) weakest = std::max(weakest, row.basis);
  return weakest;
}

/// "; PCR 7, 8 (sha256) differs" as far as their approved values are known.
std::string DescribeDifference(const std::vector<PcrComparison>& pcrs) {
  std::string text;
  for (const PcrComparison& row : pcrs) {
    bool is_same = !row.approved ||
                   (row.expected &&
                    std::equal(row.approved->begin(), row.approved->end(), row.expected->begin()));
    if (is_same) continue;
    text +=
        (text.empty() ? "; PCR " : ", ") + std::to_string(row.pcr) + " (" + row.bank->name + ")";
  }
  return text.empty() ? "" : text + " differs";
}

Check CheckPcrs(const PcrPolicy& policy, const std::vector<PcrComparison>& pcrs, bool has_tpm) {
  std::optional<PcrPolicy> expected = ExpectedPolicy(policy.pcrs, pcrs);
  if (!expected && !has_tpm) {
    return {.subject = "PCRs", .state = "not known without a TPM", .problem = std::nullopt};
  }
  std::string basis = Describe(WeakestBasis(pcrs));
  bool holds = expected && expected->pcr_digest == policy.pcr_digest;
  Check check = {.subject = "PCRs", .state = "will hold, " + basis, .problem = std::nullopt};
  if (holds) return check;
  check.state = "will not hold, " + basis;
  check.problem = Error{Errc::kPolicyMismatch,
                        "at the next boot the PCRs will not hold the approved values, judged " +
                            basis + DescribeDifference(pcrs)};
  return check;
}

Check CheckSignature(const SignedPolicy& policy, const PcrSignatures& signatures,
                     const std::vector<PcrComparison>& pcrs) {
  std::string basis = std::string("judged ") + Describe(WeakestBasis(pcrs));
  std::optional<PcrPolicy> expected = ExpectedPolicy(policy.pcrs, pcrs);
  bool is_signed = expected && FindSignature(policy, SignedDigest(*expected), signatures);
  Check check = {.subject = "PCR signature",
                 .state = "one is for what was booted, " + basis,
                 .problem = std::nullopt};
  if (is_signed) return check;
  check.state = "none is for what was booted, " + basis;
  check.problem = Error{Errc::kNoSignature,
                        "no PCR signature by the approved key is for what was booted, " + basis};
  return check;
}

Check CheckBoots(const BootLimit& boots, Tpm* tpm) {
  Check check = {.subject = "number of the boot", .state = "not known", .problem = std::nullopt};
  if (tpm == nullptr) return check;
  Result<BootNumber> now = ReadBootNumber(*tpm, ESYS_TR_NONE);
  if (!now) return check;
  bool holds = now->resets >= boots.after.resets && now->resets < boots.last;
  check.state = holds ? "the next one is approved" : "the next one is not approved";
  if (!holds) check.problem = Error{Errc::kPolicyMismatch, "the approval for a boot is used up"};
  return check;
}

BranchStatus InspectBranch(const Branch& branch, const SlotView& view) {
  BranchStatus status = {.description = Describe(branch)};
  if (branch.signed_pcrs) {
    status.signed_pcrs = ComparePcrs(*branch.signed_pcrs, view.pcrs);
    status.checks.push_back(
        CheckSignature(*branch.signed_pcrs, view.signatures, status.signed_pcrs));
  }
  if (branch.boots) status.checks.push_back(CheckBoots(*branch.boots, view.tpm));
  if (branch.pcrs) {
    status.pcrs = ComparePcrs(*branch.pcrs, view.pcrs);
    status.checks.push_back(CheckPcrs(*branch.pcrs, status.pcrs, view.tpm != nullptr));
  }
  return status;
}

Check CheckApproval(const std::vector<BranchStatus>& branches, bool has_tpm) {
  Check check = {.subject = "approval", .state = "not known", .problem = std::nullopt};
  if (!has_tpm) {
    check.state = "not known without a TPM";
    return check;
  }
  if (branches.empty()) {
    check.problem = Error{Errc::kLatchGone,
                          "what was approved is gone from the TPM; approve it anew with "
                          "'nvunlock approve --now'"};
    return check;
  }
  for (const BranchStatus& branch : branches) {
    if (FirstProblem(branch.checks) != nullptr) continue;
    check.state = "the next boot is approved: " + branch.description;
    return check;
  }
  check.state = "the next boot is not approved";
  check.problem = *FirstProblem(branches[0].checks);
  return check;
}

/// Nothing where it cannot be told.
std::vector<Branch> WhatIsApproved(const TpmSlot& slot, const SlotView& view) {
  if (view.tpm == nullptr) return {};
  Result<std::optional<Approval>> approval = ReadApproval(*view.tpm, slot);
  return approval && *approval ? std::move((*approval)->branches) : std::vector<Branch>();
}

/// A closed latch is what an unlock leaves behind, and opens at the next boot.
Check CheckLatch(Tpm& tpm, const NvLatch& latch) {
  Result<LatchState> state = ReadNvLatch(tpm, latch);
  if (!state) return {.subject = "latch", .state = "gone", .problem = std::move(state.error())};
  return {.subject = "latch",
          .state = *state == LatchState::kOpen ? "open" : "closed until the next TPM reset",
          .problem = std::nullopt};
}

/// One try is always left to others; see UnsealKek.
Check CheckPin(const std::optional<LockoutState>& lockout) {
  if (!lockout) return {.subject = "PIN", .state = "wanted", .problem = std::nullopt};
  Check check = {.subject = "PIN",
                 .state = "wanted; " + std::to_string(lockout->tries_left) +
                          " wrong ones until dictionary attack lockout",
                 .problem = std::nullopt};
  if (lockout->tries_left <= 1) check.problem = Error{Errc::kLockout, DescribeLockout(*lockout)};
  return check;
}

}  // namespace

TpmSlotStatus InspectTpmSlot(const TpmSlot& slot, const SlotView& view) {
  TpmSlotStatus status;
  const Policy& policy = slot.key.policy;
  status.pin = policy.pin;
  status.policy_digest = PolicyDigest(policy);
  if (view.tpm != nullptr) {
    status.checks = {CheckSrk(*view.tpm, slot), CheckObject(*view.tpm, slot)};
  }
  status.checks.push_back(CheckDigest(slot, status.policy_digest));
  if (view.tpm != nullptr) status.checks.push_back(CheckLatch(*view.tpm, policy.latch));
  for (const Branch& branch : WhatIsApproved(slot, view)) {
    status.approved.push_back(InspectBranch(branch, view));
  }
  status.checks.push_back(CheckApproval(status.approved, view.tpm != nullptr));
  if (policy.pin) status.checks.push_back(CheckPin(view.lockout));
  return status;
}

}  // namespace nvunlock
