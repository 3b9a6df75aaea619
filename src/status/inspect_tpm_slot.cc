// SPDX-License-Identifier: Apache-2.0
#include "src/status/inspect_tpm_slot.h"

#include <algorithm>

#include "src/model/pcr_terms.h"
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
    case PcrBasis::kReset:
      return "by what a reset leaves behind";
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

/// "; PCR 7, 8 (sha256) differs" as far as the key file says what was enrolled.
std::string DescribeDifference(const std::vector<PcrComparison>& pcrs) {
  std::string text;
  for (const PcrComparison& row : pcrs) {
    if (!row.enrolled || row.expected == row.enrolled) continue;
    text +=
        (text.empty() ? "; PCR " : ", ") + std::to_string(row.pcr) + " (" + row.bank->name + ")";
  }
  return text.empty() ? "" : text + " differs";
}

Check CheckPcrs(const PcrPolicy& policy, const std::vector<PcrComparison>& pcrs, bool has_tpm) {
  std::optional<PcrPolicy> expected = ExpectedPolicy(policy, pcrs);
  if (!expected && !has_tpm) {
    return {.subject = "PCRs", .state = "not known without a TPM", .problem = std::nullopt};
  }
  std::string basis = Describe(WeakestBasis(pcrs));
  bool holds = expected && expected->pcr_digest == policy.pcr_digest;
  Check check = {.subject = "PCRs", .state = "will hold, " + basis, .problem = std::nullopt};
  if (holds) return check;
  check.state = "will not hold, " + basis;
  check.problem = Error{Errc::kPolicyMismatch,
                        "at the next boot the PCRs will not hold the "
                        "enrolled values, judged " +
                            basis + DescribeDifference(pcrs)};
  return check;
}

Check CheckSignature(const SignedPolicy& policy, const std::vector<PcrComparison>& pcrs) {
  std::string basis = std::string("judged ") + Describe(WeakestBasis(pcrs));
  Check check = {.subject = "PCR signature",
                 .state = "one is for what was booted, " + basis,
                 .problem = std::nullopt};
  if (HasSignatureFor(policy, pcrs)) return check;
  check.state = "none is for what was booted, " + basis;
  check.problem = Error{Errc::kNoSignature,
                        "no PCR signature by the enrolled key is for what was booted, " + basis};
  return check;
}

/// A closed latch is what an unlock leaves behind, and opens at the next boot.
Check CheckNvIndex(Tpm& tpm, const NvLatch& latch) {
  Result<LatchState> state = ReadNvLatch(tpm, latch);
  if (!state) return {.subject = "latch", .state = "gone", .problem = std::move(state.error())};
  return {.subject = "latch",
          .state = *state == LatchState::kOpen ? "open" : "closed until the next TPM reset",
          .problem = std::nullopt};
}

Check CheckLatchPcr(unsigned pcr, const std::vector<PcrComparison>& pcrs) {
  bool is_open = std::any_of(pcrs.begin(), pcrs.end(), [&](const PcrComparison& row) {
    return row.pcr == pcr && row.current && IsResetValue(*row.current);
  });
  return {.subject = "latch",
          .state = is_open ? "open" : "closed until the next TPM reset",
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

/// One check for each part of the policy, in the order in which they are asserted.
void CheckPolicy(const TpmSlot& slot, const SlotView& view, TpmSlotStatus& status) {
  const Policy& policy = slot.key.policy;
  std::vector<Check>& checks = status.checks;
  bool has_tpm = view.tpm != nullptr;
  if (policy.signed_pcrs) {
    checks.push_back(CheckSignature(*policy.signed_pcrs, status.signed_pcrs));
  }
  if (policy.pcrs) checks.push_back(CheckPcrs(*policy.pcrs, status.pcrs, has_tpm));
  if (has_tpm && policy.latch) checks.push_back(CheckNvIndex(*view.tpm, *policy.latch));
  if (has_tpm && slot.latch.kind == LatchKind::kPcr) {
    checks.push_back(CheckLatchPcr(slot.latch.pcr, status.pcrs));
  }
  if (policy.pin) checks.push_back(CheckPin(view.lockout));
}

}  // namespace

TpmSlotStatus InspectTpmSlot(const TpmSlot& slot, const SlotView& view) {
  TpmSlotStatus status;
  Policy expected = slot.key.policy;
  status.latch = slot.latch;
  status.pin = expected.pin;
  status.policy_digest = PolicyDigest(expected);
  status.pcrs = ComparePcrs(slot, view.pcrs);
  if (expected.signed_pcrs) {
    status.signed_pcrs = ComparePcrs(*expected.signed_pcrs, view.pcrs);
    status.expected_digest = status.policy_digest;
  }
  if (expected.pcrs) {
    status.expected_digest.reset();
    expected.pcrs = ExpectedPolicy(*expected.pcrs, status.pcrs);
    if (expected.pcrs) status.expected_digest = PolicyDigest(expected);
  }
  if (view.tpm != nullptr) {
    status.checks = {CheckSrk(*view.tpm, slot), CheckObject(*view.tpm, slot)};
  }
  status.checks.push_back(CheckDigest(slot, status.policy_digest));
  CheckPolicy(slot, view, status);
  return status;
}

}  // namespace nvunlock
