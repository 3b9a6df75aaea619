// SPDX-License-Identifier: Apache-2.0
#include "src/seal/signed_pcrs.h"

#include <algorithm>

#include "src/model/pcr_signature.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

/// What systemd extends PCR 11 with after the unlock, in this order (systemd-pcrphase.service(8)).
/// An initramfs without systemd leaves the first one out.
constexpr const char* kLaterPhases[] = {"leave-initrd", "sysinit", "ready", "shutdown", "final"};
constexpr unsigned kPhasePcr = 11;

uint32_t MaskOfTerms(const PcrTerms& terms) {
  uint32_t mask = 0;
  for (const auto& [pcr, value] : terms.pcrs) mask |= 1U << pcr;
  return mask;
}

Result<std::vector<PcrSignature>> ReadSignatures(const std::string& path) {
  std::string text = TRY(ReadFile(path, kPcrSignatureLimit));
  return TRY_IN(path, ParsePcrSignatures(text));
}

/// All signatures: an old file in one place hides no newer one in another.
std::vector<PcrSignature> CollectSignatures(const std::vector<std::string>& files,
                                            std::vector<std::string>& notes) {
  std::vector<PcrSignature> all;
  for (const std::string& path : files) {
    if (!Exists(path)) continue;
    Result<std::vector<PcrSignature>> some = ReadSignatures(path);
    if (some) {
      std::move(some->begin(), some->end(), std::back_inserter(all));
    } else {
      notes.push_back(std::move(some.error().message));
    }
  }
  return all;
}

bool HasSignatureFor(const SignedPolicy& policy, const PcrBank& bank, const PcrValues& values) {
  Sha256Digest approved = ApprovedDigest(PolicyForValues(bank, values));
  return std::any_of(policy.signatures.begin(), policy.signatures.end(),
                     [&](const PolicySignature& entry) { return entry.policy == approved; });
}

/// The PCRs as the unlock of this boot found them; those of now when it left no record.
PcrValues ValuesAtUnlock(const std::optional<PcrRecord>& record, const PcrBank& bank,
                         const PcrValues& current) {
  PcrValues values = current;
  if (!record || !record->banks.contains(bank.name)) return values;
  const PcrValues& recorded = record->banks.at(bank.name);
  for (auto& [pcr, value] : values) {
    auto found = recorded.find(pcr);
    if (found != recorded.end()) value = found->second;
  }
  return values;
}

/// The first later phase that is signed, too; empty when none is.
std::string FindSignedPhase(const SignedPolicy& policy, const PcrBank& bank,
                            const PcrValues& at_unlock) {
  if (!at_unlock.contains(kPhasePcr)) return "";
  for (const char* const* first : {&kLaterPhases[0], &kLaterPhases[1]}) {
    PcrValues values = at_unlock;
    for (const char* const* phase = first; phase != std::end(kLaterPhases); phase++) {
      Bytes& value = values[kPhasePcr];
      value = HashWith(bank.name, {value, HashWith(bank.name, {AsBytes(*phase)})});
      if (HasSignatureFor(policy, bank, values)) return *phase;
    }
  }
  return "";
}

/// One run of PlanSignedPcrs.
class Planner {
 public:
  Planner(const SignedTerms& terms, const PcrBank& bank, const std::vector<std::string>& files)
      : terms_(terms), bank_(bank), files_(files) {}

  Result<SignedPlan> Run(Tpm& tpm, const std::optional<PcrRecord>& record) {
    SignedPolicy& policy = plan_.policy;
    policy.key = terms_.key;
    policy.reference.assign(terms_.reference.begin(), terms_.reference.end());
    policy.pcrs.count = 1;
    policy.pcrs.pcrSelections[0] = SelectPcrs(bank_, MaskOfTerms(terms_.pcrs));
    policy.signatures = SignaturesFor(policy, TRY(FindSignatures()));
    PcrValues current = TRY(ReadPcrs(tpm, bank_, MaskOfTerms(terms_.pcrs)));
    plan_.holds_now = HasSignatureFor(policy, bank_, current);
    TRY(CheckFits(ValuesAtUnlock(record, bank_, current)));
    return std::move(plan_);
  }

 private:
  Result<std::vector<PcrSignature>> FindSignatures() {
    if (!terms_.signature_file.empty()) return ReadSignatures(terms_.signature_file);
    return CollectSignatures(files_, plan_.notes);
  }

  Result<void> CheckFits(const PcrValues& at_unlock) {
    bool fits = HasSignatureFor(plan_.policy, bank_, at_unlock);
    if (!fits && !terms_.signature_file.empty()) return ExplainMisfit();
    if (!fits) {
      plan_.notes.push_back(
          "no PCR signature by this key is for what was booted now: this slot "
          "opens only in a boot for which there is one");
    }
    NoteBootedSystem(at_unlock);
    return {};
  }

  [[nodiscard]] Failure ExplainMisfit() const {
    std::string subject = terms_.signature_file + ": ";
    if (plan_.policy.signatures.empty()) {
      return Fail(Errc::kNoSignature, subject + "no signature by this key over " +
                                          FormatPcrs(plan_.policy.pcrs.pcrSelections[0]));
    }
    return Fail(Errc::kNoSignature, subject +
                                        "no signature by this key is for what was booted; boot the "
                                        "image that it belongs to, or leave --tpm2-signature out");
  }

  void NoteBootedSystem(const PcrValues& at_unlock) {
    std::string phase = FindSignedPhase(plan_.policy, bank_, at_unlock);
    if (phase.empty() && !plan_.holds_now) return;
    plan_.notes.push_back(
        "the signatures fit the booted system as well" +
        (phase.empty() ? "" : " (phase '" + phase + "')") +
        ": only a latch keeps it from unsealing; sign the phase enter-initrd only");
  }

  const SignedTerms& terms_;
  const PcrBank& bank_;
  const std::vector<std::string>& files_;
  SignedPlan plan_;
};

}  // namespace

Result<SignedPlan> PlanSignedPcrs(Tpm& tpm, const SignedTerms& terms, const PcrBank& bank,
                                  const std::vector<std::string>& signature_files,
                                  const std::optional<PcrRecord>& record) {
  return Planner(terms, bank, signature_files).Run(tpm, record);
}

SignedTerms TermsOf(const SignedPolicy& policy) {
  const TPMS_PCR_SELECTION& selected = policy.pcrs.pcrSelections[0];
  SignedTerms terms = {.key = policy.key,
                       .pcrs = {.bank = FindPcrBank(selected.hash), .pcrs = {}},
                       .reference = std::string(AsText(policy.reference)),
                       .signature_file = ""};
  for (unsigned pcr = 0; pcr < kPcrCount; pcr++) {
    if ((MaskOf(selected) & 1U << pcr) != 0) terms.pcrs.pcrs.emplace(pcr, std::nullopt);
  }
  return terms;
}

std::vector<std::string> AttachSignatures(const std::vector<std::string>& signature_files,
                                          KeyFile& file) {
  std::vector<std::string> notes;
  auto has_signed_pcrs = [](const TpmSlot& slot) {
    return slot.key.policy.signed_pcrs.has_value();
  };
  if (std::none_of(file.slots.begin(), file.slots.end(), has_signed_pcrs)) return notes;
  std::vector<PcrSignature> all = CollectSignatures(signature_files, notes);
  for (TpmSlot& slot : file.slots) {
    std::optional<SignedPolicy>& policy = slot.key.policy.signed_pcrs;
    if (policy) policy->signatures = SignaturesFor(*policy, all);
  }
  return notes;
}

}  // namespace nvunlock
