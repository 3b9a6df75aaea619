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

Result<std::vector<PolicySignature>> ReadSignatures(const std::string& path) {
  std::string text = TRY(ReadFile(path, kPcrSignatureLimit));
  return TRY_IN(path, ParsePcrSignatures(text));
}

bool IsSigned(const SignedPolicy& policy, const PcrSignatures& known, const PcrBank& bank,
              const PcrValues& values) {
  return FindSignature(policy, SignedDigest(PolicyForValues(bank, values)), known).has_value();
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
std::string FindSignedPhase(const SignedPolicy& policy, const PcrSignatures& known,
                            const PcrBank& bank, const PcrValues& at_unlock) {
  if (!at_unlock.contains(kPhasePcr)) return "";
  for (const char* const* first : {&kLaterPhases[0], &kLaterPhases[1]}) {
    PcrValues values = at_unlock;
    for (const char* const* phase = first; phase != std::end(kLaterPhases); phase++) {
      Bytes& value = values[kPhasePcr];
      value = HashWith(bank.name, {value, HashWith(bank.name, {AsBytes(*phase)})});
      if (IsSigned(policy, known, bank, values)) return *phase;
    }
  }
  return "";
}

Result<PcrSignatures> FindSignatures(const SignedTerms& terms,
                                     const std::vector<std::string>& files,
                                     std::vector<std::string>& notes) {
  if (terms.signature_file.empty()) return ReadPcrSignatures(files, {terms.key}, notes);
  PcrSignatures known = {.keys = {terms.key}, .signatures = {}};
  known.signatures = TRY(ReadSignatures(terms.signature_file));
  return known;
}

Result<void> CheckFits(const SignedTerms& terms, bool fits, std::vector<std::string>& notes) {
  if (fits) return {};
  if (!terms.signature_file.empty()) {
    return Fail(Errc::kNoSignature,
                terms.signature_file +
                    ": no signature by this key is for what was booted; boot the image that it "
                    "belongs to, or leave --tpm2-signature out");
  }
  notes.push_back(
      "no PCR signature by this key is for what was booted now: this opens only in a boot for "
      "which there is one");
  return {};
}

void NoteBootedSystem(const std::string& phase, bool holds_now, std::vector<std::string>& notes) {
  if (phase.empty() && !holds_now) return;
  notes.push_back("the signatures fit the booted system as well" +
                  (phase.empty() ? "" : " (phase '" + phase + "')") +
                  ": only the latch keeps it from unsealing; sign the phase enter-initrd only");
}

}  // namespace

Result<SignedPlan> PlanSignedPcrs(Tpm& tpm, const SignedTerms& terms, const PcrBank& bank,
                                  const std::vector<std::string>& signature_files,
                                  const std::optional<PcrRecord>& record) {
  SignedPlan plan;
  const PcrBank& chosen = terms.pcrs.bank == nullptr ? bank : *terms.pcrs.bank;
  plan.policy.key_name = NameOfKey(terms.key);
  plan.policy.reference.assign(terms.reference.begin(), terms.reference.end());
  plan.policy.pcrs = {.count = 1, .pcrSelections = {SelectPcrs(chosen, MaskOf(terms.pcrs))}};
  PcrSignatures known = TRY(FindSignatures(terms, signature_files, plan.notes));
  PcrValues current = TRY(ReadPcrs(tpm, chosen, MaskOf(terms.pcrs)));
  PcrValues at_unlock = ValuesAtUnlock(record, chosen, current);
  TRY(CheckFits(terms, IsSigned(plan.policy, known, chosen, at_unlock), plan.notes));
  NoteBootedSystem(FindSignedPhase(plan.policy, known, chosen, at_unlock),
                   IsSigned(plan.policy, known, chosen, current), plan.notes);
  return plan;
}

/// All of them: an old file in one place hides no newer one in another.
PcrSignatures ReadPcrSignatures(const std::vector<std::string>& files,
                                const std::vector<RsaKey>& keys, std::vector<std::string>& notes) {
  PcrSignatures known = {.keys = keys, .signatures = {}};
  if (keys.empty()) return known;
  for (const std::string& path : files) {
    if (!Exists(path)) continue;
    Result<std::vector<PolicySignature>> some = ReadSignatures(path);
    if (some) {
      std::move(some->begin(), some->end(), std::back_inserter(known.signatures));
    } else {
      notes.push_back(std::move(some.error().message));
    }
  }
  return known;
}

}  // namespace nvunlock
