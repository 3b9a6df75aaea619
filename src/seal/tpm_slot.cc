// SPDX-License-Identifier: Apache-2.0
#include "src/seal/tpm_slot.h"

#include <algorithm>

#include "src/base/hex.h"
#include "src/records/record_pcrs.h"
#include "src/seal/unseal.h"
#include "tpm/sealed_object.h"
#include "tpm/session.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

std::string DescribePcrs(const ResolvedPcrs& pcrs) {
  std::string text;
  for (const auto& [pcr, value] : pcrs.values) {
    text += (text.empty() ? "" : "+") + std::to_string(pcr) + ":" + pcrs.bank->name + "=" +
            ToHex(value);
  }
  return text;
}

bool HasChangingPcr(const PcrTerms& terms) {
  return std::any_of(terms.pcrs.begin(), terms.pcrs.end(), [](const auto& term) {
    return !term.second && ChangesAfterInitramfs(term.first);
  });
}

void NoteLateRecord(const std::optional<PcrRecord>& record, const SlotOptions& options,
                    std::vector<std::string>& notes) {
  bool matters = HasChangingPcr(options.pcrs) ||
                 (options.signed_pcrs && HasChangingPcr(options.signed_pcrs->pcrs));
  if (!record || record->in_initramfs || !matters) return;
  notes.push_back(
      "the PCRs of this boot were recorded in the running system, not in an initramfs: boot an "
      "image that holds nvunlock and enroll again before you rely on PCR 9 or 11 to 15");
}

/// Binds to the latch's PCR at zero, too.
Result<void> AddLatchPcr(Tpm& tpm, const LatchChoice& latch, SlotPlan& plan) {
  if (latch.kind != LatchKind::kPcr) return {};
  Bytes zero(plan.pcrs.bank->digest_size);
  PcrValues current = TRY(ReadPcrs(tpm, *plan.pcrs.bank, 1U << latch.pcr));
  if (!plan.pcrs.values.emplace(latch.pcr, zero).second) {
    return Fail(Errc::kUsage,
                "PCR " + std::to_string(latch.pcr) + " cannot be both bound to and the latch");
  }
  plan.pcrs.hold_now = plan.pcrs.hold_now && current[latch.pcr] == zero;
  if (latch.pcr == 11 || latch.pcr == 15) {
    plan.notes.push_back("systemd extends PCR " + std::to_string(latch.pcr) +
                         " before the unlock, so the slot would not open; see nvunlock(8)");
  }
  return {};
}

bool Covers(const PcrTerms& terms) {
  return std::any_of(terms.pcrs.begin(), terms.pcrs.end(),
                     [](const auto& term) { return CoversInitrdOrCommandLine(term.first); });
}

bool SignedPcrsCoverBoot(const SlotOptions& options) {
  return options.signed_pcrs && Covers(options.signed_pcrs->pcrs);
}

/// PCR 11 says which image ran, but a boot loader may hand it another command line.
void NoteUncoveredCommandLine(const SlotOptions& options, std::vector<std::string>& notes) {
  const auto& pcrs = options.pcrs.pcrs;
  if (pcrs.contains(7) || pcrs.contains(8) || pcrs.contains(12) || options.weak_policy) return;
  notes.push_back(
      "without Secure Boot a UKI also runs with a kernel command line of somebody else: bind to "
      "PCR 12, or to PCR 7 where Secure Boot is on (--tpm2-pcrs=)");
}

Result<void> AddSignedPcrs(const Environment& environment, Tpm& tpm, const SlotOptions& options,
                           const std::optional<PcrRecord>& record, SlotPlan& plan) {
  if (!options.signed_pcrs) return {};
  const PcrBank* bank = options.signed_pcrs->pcrs.bank;
  if (bank == nullptr) bank = plan.pcrs.bank;
  plan.signed_pcrs =
      TRY(PlanSignedPcrs(tpm, *options.signed_pcrs, *bank, environment.signature_files, record));
  plan.notes = plan.signed_pcrs->notes;
  NoteUncoveredCommandLine(options, plan.notes);
  return {};
}

/// The latch of a key file in STORE that this TPM still holds.
std::optional<NvLatch> FindNvLatch(Tpm& tpm, const KeyStore& store) {
  Result<std::vector<KekName>> keks = store.EnrolledKeks();
  if (!keks) return std::nullopt;
  for (const KekName& kek : *keks) {
    Result<KeyFile> file = store.ReadKeyFile(kek);
    if (!file) continue;
    for (const TpmSlot& slot : file->slots) {
      const std::optional<NvLatch>& latch = slot.key.policy.latch;
      if (latch && CheckNvLatch(tpm, *latch)) return latch;
    }
  }
  return std::nullopt;
}

/// Puts a latch into the policy of NEW_SLOT.
Result<void> AddNvLatch(Tpm& tpm, const KeyStore& store, NewTpmSlot& new_slot) {
  std::optional<NvLatch>& latch = new_slot.slot.key.policy.latch;
  latch = FindNvLatch(tpm, store);
  if (latch) return {};
  latch = TRY(MakeNvLatch(tpm));
  new_slot.new_latch = latch;
  return {};
}

Result<void> SealInto(Tpm& tpm, const SlotPlan& plan, const Secret& kek, const SlotPin* pin,
                      TpmSlot& slot) {
  TpmObject session = TRY(StartHmacSession(tpm, plan.parent));
  Secret slot_secret = TRY(MakeRandomSecret(tpm, session.tr(), kSlotSecretSize));
  const Secret* auth_value = pin == nullptr ? nullptr : &pin->keys.auth_value;
  slot.key.sealed = TRY(Seal(tpm, plan.parent, slot_secret, slot.key.policy, auth_value));
  slot.kek_cms = TRY(EncryptKekForSlot(kek, slot_secret, slot.key.sealed, pin));
  return {};
}

/// The literal PCRs of SLOT but for that of its latch, without values.
Result<PcrTerms> SamePcrs(const TpmSlot& slot) {
  if (!slot.key.policy.pcrs) return PcrTerms();
  Result<PcrTerms> terms = ParsePcrTerms(slot.pcr_values);
  if (!terms) return UnknownPcrs();
  if (slot.latch.kind == LatchKind::kPcr) terms->pcrs.erase(slot.latch.pcr);
  for (auto& [pcr, value] : terms->pcrs) value.reset();
  return terms;
}

}  // namespace

Failure UnknownPcrs() {
  return Fail(Errc::kUsage,
              "the key file does not say which PCRs it was bound to; say it with --tpm2-pcrs=");
}

Result<SlotOptions> OptionsOfSlot(const TpmSlot& slot, const std::optional<PcrTerms>& pcrs) {
  SlotOptions options = {.pcrs = {}, .signed_pcrs = std::nullopt, .latch = slot.latch};
  const Policy& policy = slot.key.policy;
  if (policy.signed_pcrs) options.signed_pcrs = TermsOf(*policy.signed_pcrs);
  options.pcrs = pcrs ? *pcrs : TRY(SamePcrs(slot));
  options.weak_policy = !pcrs && !Covers(options.pcrs) && !SignedPcrsCoverBoot(options);
  return options;
}

Result<SlotPlan> PlanTpmSlot(const Environment& environment, Tpm& tpm, const SlotOptions& options) {
  SlotPlan plan;
  std::optional<PcrRecord> record = TRY(ReadPcrRecord(environment));
  bool covered = options.weak_policy || SignedPcrsCoverBoot(options);
  plan.pcrs = TRY(ResolvePcrs(tpm, options.pcrs, record, covered));
  TRY(AddSignedPcrs(environment, tpm, options, record, plan));
  NoteLateRecord(record, options, plan.notes);
  TRY(AddLatchPcr(tpm, options.latch, plan));
  plan.srk = TRY(ProvisionSrk(tpm));
  plan.parent = TRY(PinParent(tpm, kSrkHandle, plan.srk));
  return plan;
}

Result<NewTpmSlot> MakeTpmSlot(Tpm& tpm, const KeyStore& store, const SlotPlan& plan,
                               const LatchChoice& latch, const Secret& kek, const SlotPin* pin) {
  NewTpmSlot made;
  TpmSlot& slot = made.slot;
  slot.key.parent_handle = kSrkHandle;
  if (plan.signed_pcrs) slot.key.policy.signed_pcrs = plan.signed_pcrs->policy;
  if (!plan.pcrs.values.empty()) {
    slot.key.policy.pcrs = PolicyForValues(*plan.pcrs.bank, plan.pcrs.values);
  }
  slot.parent = plan.srk;
  slot.pcr_values = DescribePcrs(plan.pcrs);
  slot.latch = latch;
  slot.key.policy.pin = pin != nullptr;
  if (latch.kind == LatchKind::kNv) TRY(AddNvLatch(tpm, store, made));
  Result<void> sealed = SealInto(tpm, plan, kek, pin, slot);
  if (!sealed) {
    if (made.new_latch) (void)RemoveNvLatch(tpm, *made.new_latch);
    return Failure(std::move(sealed.error()));
  }
  return made;
}

Result<Proof> ReplaceTpmSlots(Tpm& tpm, const KeyStore& store, const SlotPlan& plan,
                              const LatchChoice& latch, const Secret& kek, const SlotPin* pin,
                              KeyFile& file, std::optional<NvLatch>& new_latch) {
  NewTpmSlot made = TRY(MakeTpmSlot(tpm, store, plan, latch, kek, pin));
  file.slots.clear();
  file.slots.push_back(std::move(made.slot));
  Result<Proof> proof = ProveTpmSlot(tpm, file, 0, plan, kek, pin);
  if (proof) {
    new_latch = made.new_latch;
  } else if (made.new_latch) {
    (void)RemoveNvLatch(tpm, *made.new_latch);
  }
  return proof;
}

Result<std::optional<SlotPin>> MakeSlotPin(const std::optional<Secret>& pin) {
  if (!pin) return std::optional<SlotPin>();
  ScryptParameters scrypt = TRY(MakeScryptParameters());
  PinKeys keys = TRY(DerivePinKeys(*pin, scrypt));
  return std::optional<SlotPin>(SlotPin{std::move(scrypt), std::move(keys)});
}

Result<Proof> ProveTpmSlot(Tpm& tpm, const KeyFile& file, size_t index, const SlotPlan& plan,
                           const Secret& kek, const SlotPin* pin) {
  TRY(ProveClosedWithoutPolicy(tpm, plan.parent, file.slots[index].key.sealed));
  KeyFile read_back = TRY(ParseKeyFile(TRY(FormatKeyFile(file))));
  TpmSlot& slot = read_back.slots.at(index);
  if (!plan.HoldsNow()) return Proof::kNotNow;
  if (plan.signed_pcrs) {
    slot.key.policy.signed_pcrs->signatures = plan.signed_pcrs->policy.signatures;
  }
  Result<Secret> unsealed =
      UnsealKekThrough(tpm, read_back, slot, pin == nullptr ? nullptr : &pin->keys);
  if (!unsealed && unsealed.error().code == Errc::kLatchClosed) return Proof::kLatchedUp;
  if (!unsealed) return Failure(std::move(unsealed.error()).Within("prove the new key file"));
  if (!unsealed->Equals(kek)) return Fail("prove the new key file: it yields a different kek");
  return Proof::kUnsealed;
}

}  // namespace nvunlock
