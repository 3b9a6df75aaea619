#include "src/procedures/reseal.h"

#include "src/os/file.h"
#include "src/os/keyring.h"
#include "src/procedures/kek.h"

namespace nvunlock {
namespace {

/// One run of Reseal.
class Resealer {
 public:
  Resealer(const Environment& environment, const ResealOptions& options)
      : environment_(environment), options_(options), store_(environment.keys_dir) {}

  Result<ResealReport> Run() {
    UniqueFd lock = TRY(LockDirectory(store_.directory()));
    KeyFile file = TRY(store_.ReadKeyFile(options_.kek));
    report_.notes = AttachSignatures(environment_.signature_files, file);
    Tpm tpm = TRY(Tpm::Connect(environment_.tpm_device));
    Result<ResealReport> report = ResealIn(tpm, std::move(file));
    if (!report && new_latch_) (void)RemoveNvLatch(tpm, *new_latch_);
    return report;
  }

 private:
  Result<ResealReport> ResealIn(Tpm& tpm, KeyFile file) {
    SlotOptions slot = TRY(ChooseSlot(file));
    SlotPlan plan = TRY(PlanTpmSlot(environment_, tpm, slot));
    Secret kek = TRY(ObtainKek(tpm, file));
    std::optional<SlotPin> pin = TRY(MakeSlotPin(options_.pin));
    const SlotPin* slot_pin = pin ? &*pin : nullptr;
    NewTpmSlot made = TRY(MakeTpmSlot(tpm, store_, plan, slot.latch, kek, slot_pin));
    new_latch_ = made.new_latch;
    file.slots.clear();
    file.slots.push_back(std::move(made.slot));
    for (RecoverySlot& added : TRY(MakeRecoverySlots(options_.recovery, kek))) {
      file.recovery.push_back(std::move(added));
    }
    report_.proof = TRY(ProveTpmSlot(tpm, file, 0, plan, kek, slot_pin));
    TRY(ProveRecoverySlots(options_.recovery, file, kek));
    TRY(Write(file));
    report_.notes.insert(report_.notes.end(), plan.notes.begin(), plan.notes.end());
    report_.policy = DescribePolicy(file.slots[0]);
    report_.latch = slot.latch;
    return std::move(report_);
  }

  Result<SlotOptions> ChooseSlot(const KeyFile& file) const {
    const TpmSlot* before = file.slots.empty() ? nullptr : &file.slots[0];
    SlotOptions slot = {.weak_policy = options_.weak_policy};
    if (before != nullptr) slot.latch = before->latch;
    if (options_.latch) slot.latch = *options_.latch;
    slot.signed_pcrs = ChooseSignedPcrs(before);
    slot.pcrs = options_.pcrs ? *options_.pcrs : TRY(PcrsOf(before));
    if (slot.pcrs.pcrs.empty() && !slot.signed_pcrs) return UnknownPcrs();
    return slot;
  }

  [[nodiscard]] std::optional<SignedTerms> ChooseSignedPcrs(const TpmSlot* before) const {
    if (!options_.keep_signed_pcrs) return options_.signed_pcrs;
    if (before == nullptr || !before->key.policy.signed_pcrs) return std::nullopt;
    SignedTerms terms = TermsOf(*before->key.policy.signed_pcrs);
    terms.signature_file = options_.signature_file;
    return terms;
  }

  static Failure UnknownPcrs() {
    return Fail(Errc::kUsage,
                "the key file does not say which PCRs it was bound to; say it with --tpm2-pcrs=");
  }

  /// The literal PCRs of a slot, without their values.
  static Result<PcrTerms> PcrsOf(const TpmSlot* slot) {
    if (slot == nullptr) return UnknownPcrs();
    if (!slot->key.policy.pcrs) return PcrTerms();
    Result<PcrTerms> terms = ParsePcrTerms(slot->pcr_values);
    if (!terms) return UnknownPcrs();
    if (slot->latch.kind == LatchKind::kPcr) terms->pcrs.erase(slot->latch.pcr);
    for (auto& [pcr, value] : terms->pcrs) value.reset();
    return terms;
  }

  Result<Secret> ObtainKek(Tpm& tpm, const KeyFile& file) const {
    std::optional<Key> present =
        TRY(Keyring(environment_.keyring).Find("user", options_.kek.description));
    if (present) {
      Result<Secret> kek = present->Read();
      if (kek && TRY(KekCheckValue(*kek)) == file.check_value) return kek;
    }
    Result<Secret> unsealed = file.slots.empty() ? Fail(Errc::kBadKeyFile, "no TPM slot")
                                                 : UnsealKek(tpm, file, options_.ask_pin);
    if (unsealed || !options_.ask_recovery || file.recovery.empty()) return unsealed;
    Secret typed = TRY(options_.ask_recovery(file.kek, unsealed.error()));
    return OpenRecovery(file, typed);
  }

  Result<void> Write(const KeyFile& file) {
    report_.key_file = store_.PathOf(options_.kek.KeyFileName());
    std::string text = TRY(FormatKeyFile(file));
    TRY(WriteFileDurably(report_.key_file, text, 0600, IfPresent::kReplace));
    new_latch_.reset();
    return {};
  }

  const Environment& environment_;
  const ResealOptions& options_;
  KeyStore store_;
  ResealReport report_;
  std::optional<NvLatch> new_latch_;  ///< to be removed again should the rest fail
};

}  // namespace

Result<ResealReport> Reseal(const Environment& environment, const ResealOptions& options) {
  return Resealer(environment, options).Run();
}

}  // namespace nvunlock
