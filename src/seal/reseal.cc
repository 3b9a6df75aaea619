// SPDX-License-Identifier: Apache-2.0
#include "src/seal/reseal.h"

#include "src/os/directory_lock.h"
#include "src/os/file.h"
#include "src/os/keyring.h"
#include "src/seal/unseal.h"

namespace nvunlock {
namespace {

/// One run of Reseal.
class Resealer {
 public:
  Resealer(const Environment& environment, const ResealOptions& options)
      : environment_(environment), options_(options), store_(environment.keys_dir) {}

  Result<ResealReport> Run() {
    DirectoryLock lock = TRY(LockDirectory(store_.directory()));
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
    for (RecoverySlot& added : TRY(MakeRecoverySlots(options_.recovery, kek))) {
      file.recovery.push_back(std::move(added));
    }
    report_.proof =
        TRY(ReplaceTpmSlots(tpm, store_, plan, slot.latch, kek, slot_pin, file, new_latch_));
    TRY(ProveRecoverySlots(options_.recovery, file, kek));
    TRY(Write(file));
    report_.notes.insert(report_.notes.end(), plan.notes.begin(), plan.notes.end());
    report_.policy = DescribePolicy(file.slots[0]);
    report_.latch = slot.latch;
    return std::move(report_);
  }

  Result<SlotOptions> ChooseSlot(const KeyFile& file) const {
    SlotOptions slot;
    if (!file.slots.empty()) {
      slot = TRY(OptionsOfSlot(file.slots[0], options_.pcrs));
    } else if (options_.pcrs) {
      slot.pcrs = *options_.pcrs;
    }
    if (!options_.keep_signed_pcrs) slot.signed_pcrs = options_.signed_pcrs;
    if (slot.signed_pcrs && options_.keep_signed_pcrs) {
      slot.signed_pcrs->signature_file = options_.signature_file;
    }
    slot.weak_policy = slot.weak_policy || options_.weak_policy;
    if (options_.latch) slot.latch = *options_.latch;
    if (slot.pcrs.pcrs.empty() && !slot.signed_pcrs) return UnknownPcrs();
    return slot;
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
