// SPDX-License-Identifier: Apache-2.0
#include "src/seal/plan_approval.h"

#include <algorithm>

#include "src/base/hex.h"
#include "src/records/record_pcrs.h"
#include "src/seal/choose_pcrs.h"
#include "src/seal/resolve_pcrs.h"
#include "tpm/session.h"

namespace nvunlock {
namespace {

/// What neither a kernel nor a boot loader changes: the Secure Boot policy.
constexpr uint32_t kLeftAlone = 1U << 7;

Coverage CoverageOf(const Environment& environment, const PolicyTerms& terms) {
  const std::optional<SignedTerms>& signing = terms.signed_pcrs;
  return {.weak_policy = terms.weak_policy,
          .by_signature =
              signing && (signing->pcrs.pcrs.contains(9) || signing->pcrs.pcrs.contains(11)),
          .choose = !signing,
          .secure_boot = SecureBootIsOn(environment.sysfs_root)};
}

bool HasChangingPcr(const PcrTerms& terms) {
  return std::any_of(terms.pcrs.begin(), terms.pcrs.end(), [](const auto& term) {
    return !term.second && ChangesAfterInitramfs(term.first);
  });
}

void NoteLateRecord(const std::optional<PcrRecord>& record, const PolicyTerms& terms,
                    std::vector<std::string>& notes) {
  bool matters =
      HasChangingPcr(terms.pcrs) || (terms.signed_pcrs && HasChangingPcr(terms.signed_pcrs->pcrs));
  if (!record || record->in_initramfs || !matters) return;
  notes.push_back(
      "the PCRs of this boot were recorded in the running system, not in an initramfs: boot an "
      "image that holds nvunlock before you rely on PCR 9 or 11 to 15");
}

/// PCR 11 says which image ran, but a boot loader may hand it another command line.
void NoteUncoveredCommandLine(const PolicyTerms& terms, std::vector<std::string>& notes) {
  const auto& pcrs = terms.pcrs.pcrs;
  if (pcrs.contains(7) || pcrs.contains(8) || pcrs.contains(12) || terms.weak_policy) return;
  notes.push_back(
      "without Secure Boot a UKI also runs with a kernel command line of somebody else: bind to "
      "PCR 12, or to PCR 7 where Secure Boot is on (--tpm2-pcrs=)");
}

/// The boots with these PCRs, signed or not; nullopt when their values are not known.
Result<std::optional<Branch>> PlanPcrs(const Environment& environment, Tpm& tpm,
                                       const PolicyTerms& terms, ApprovalPlan& plan) {
  std::optional<PcrRecord> record = TRY(ReadPcrRecord(environment));
  ResolvedPcrs pcrs = TRY(ResolvePcrs(tpm, terms.pcrs, record, CoverageOf(environment, terms)));
  plan.approval.pcrs = SelectPcrs(*pcrs.bank, MaskOf(pcrs.terms));
  NoteLateRecord(record, terms, plan.notes);
  Branch branch;
  if (pcrs.values) branch.pcrs = PolicyForValues(*pcrs.bank, *pcrs.values);
  if (terms.signed_pcrs) {
    SignedPlan planned = TRY(
        PlanSignedPcrs(tpm, *terms.signed_pcrs, *pcrs.bank, environment.signature_files, record));
    branch.signed_pcrs = std::move(planned.policy);
    std::move(planned.notes.begin(), planned.notes.end(), std::back_inserter(plan.notes));
    NoteUncoveredCommandLine(terms, plan.notes);
  }
  bool is_whole = pcrs.values.has_value() == !pcrs.terms.pcrs.empty();
  return is_whole ? std::optional(std::move(branch)) : std::nullopt;
}

/// As many of a digest, or of a Name behind its algorithm, as people tell apart.
constexpr size_t kShownDigits = 12;

std::string DescribeBoots(const BootLimit& boots) {
  uint32_t first = boots.after.resets + 1;
  if (boots.last < first) return "no boot";
  if (boots.last == first) return "boot " + std::to_string(first);
  return "boots " + std::to_string(first) + " to " + std::to_string(boots.last);
}

}  // namespace

Result<BootNumber> NumberOfThisBoot(Tpm& tpm, ESYS_TR parent) {
  TpmObject session = TRY(StartSession(tpm, parent, TPM2_SE_HMAC, TPMA_SESSION_AUDIT));
  return ReadBootNumber(tpm, session.tr());
}

Result<Branch> PlanNextBoots(Tpm& tpm, ESYS_TR parent, const TPMS_PCR_SELECTION& selection,
                             unsigned count) {
  TpmObject session = TRY(StartSession(tpm, parent, TPM2_SE_HMAC, TPMA_SESSION_AUDIT));
  BootNumber now = TRY(ReadBootNumber(tpm, session.tr()));
  Branch branch = {.boots = BootLimit{.after = now, .last = now.resets + count}};
  const PcrBank* bank = FindPcrBank(selection.hash);
  uint32_t mask = MaskOf(selection) & kLeftAlone;
  if (bank == nullptr || mask == 0) return branch;
  branch.pcrs = PolicyForValues(*bank, TRY(ReadPcrs(tpm, *bank, mask, session.tr())));
  return branch;
}

Result<ApprovalPlan> PlanApproval(const Environment& environment, Tpm& tpm, ESYS_TR parent,
                                  const PolicyTerms& terms) {
  ApprovalPlan plan;
  std::vector<Branch>& branches = plan.approval.branches;
  std::optional<Branch> pcrs = TRY(PlanPcrs(environment, tpm, terms, plan));
  if (pcrs) branches.push_back(std::move(*pcrs));
  if (terms.next_boots > 0) {
    branches.push_back(TRY(PlanNextBoots(tpm, parent, plan.approval.pcrs, terms.next_boots)));
  }
  // Beside a signature they say too little to be approved by themselves.
  if (terms.signed_pcrs) plan.approval.pcrs = {};
  if (!branches.empty()) return plan;
  return Fail(
      "a PCR has changed since the initramfs, and its value there was not recorded; boot an image "
      "that runs 'nvunlock unlock', give its digest, or approve the next boot");
}

std::string Describe(const Branch& branch) {
  std::string text;
  auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (branch.signed_pcrs) {
    add("PCR " + FormatPcrs(branch.signed_pcrs->pcrs.pcrSelections[0]) + " signed by key " +
        ToHex(branch.signed_pcrs->key_name).substr(4, kShownDigits) +
        (branch.signed_pcrs->reference.empty() ? "" : " for 0x") +
        ToHex(branch.signed_pcrs->reference));
  }
  if (branch.boots) add(DescribeBoots(*branch.boots));
  if (branch.pcrs) {
    add("PCR " + FormatPcrs(branch.pcrs->pcrs.pcrSelections[0]) + " (" +
        ToHex(branch.pcrs->pcr_digest).substr(0, kShownDigits) + ")");
  }
  return text;
}

}  // namespace nvunlock
