// SPDX-License-Identifier: Apache-2.0
#include "src/seal/reseal.h"

#include "src/model/key_store.h"
#include "src/os/directory_lock.h"
#include "src/os/file.h"
#include "src/seal/approve.h"
#include "src/seal/tpm_slot.h"
#include "tpm/nv_latch.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

Result<ApprovalPlan> ChooseApproval(const Environment& environment, Tpm& tpm,
                                    const SealingParent& parent, const ResealOptions& options,
                                    const KeyFile& file) {
  if (options.policy) return PlanApproval(environment, tpm, parent.tr, *options.policy);
  bool is_this_tpm = !file.slots.empty() && NameOf(file.slots[0].parent) == NameOf(parent.srk);
  std::optional<Approval> approved;
  if (is_this_tpm) approved = TRY(ReadApproval(tpm, file.slots[0]));
  if (approved) return ApprovalPlan{.approval = std::move(*approved), .notes = {}};
  return PlanApproval(environment, tpm, parent.tr, {.pcrs = {}, .next_boots = 1});
}

/// NEW_FILE has what FILE has, but a new TPM slot.
Result<KeyFile> MakeKeyFile(Tpm& tpm, const SealingParent& parent, const ApprovalPlan& plan,
                            const Secret& kek, const ResealOptions& options, const KeyFile& file) {
  KeyFile made = file;
  std::optional<SlotPin> pin = TRY(MakeSlotPin(options.pin));
  for (RecoverySlot& added : TRY(MakeRecoverySlots(options.recovery, kek))) {
    made.recovery.push_back(std::move(added));
  }
  if (options.policy && options.policy->signed_pcrs) {
    made.signers = {options.policy->signed_pcrs->key};
  }
  TRY(ReplaceTpmSlots(tpm, parent, plan, kek, pin ? &*pin : nullptr, made));
  return made;
}

Result<void> Write(const std::string& path, const KeyFile& file) {
  std::string text = TRY(FormatKeyFile(file));
  return WriteFileDurably(path, text, 0600, IfPresent::kReplace);
}

/// A new latch is open even where the unlock of this boot has closed the one before.
Result<void> KeepClosed(Tpm& tpm, ESYS_TR parent, const KeyFile& file, const KeyFile& made) {
  bool is_this_tpm =
      !file.slots.empty() && NameOf(file.slots[0].parent) == NameOf(made.slots[0].parent);
  if (!is_this_tpm) return {};
  Result<LatchState> before = ReadNvLatch(tpm, file.slots[0].key.policy.latch);
  if (before && *before == LatchState::kOpen) return {};
  return CloseNvLatch(tpm, parent, made.slots[0].key.policy.latch);
}

Result<ResealReport> ResealIn(const Environment& environment, Tpm& tpm,
                              const ResealOptions& options, const KeyFile& file) {
  SealingParent parent = TRY(PrepareToSeal(tpm));
  ApprovalPlan plan = TRY(ChooseApproval(environment, tpm, parent, options, file));
  Secret kek = TRY(ObtainKekForChange(environment, tpm, file, options.questions));
  KeyFile made = TRY(MakeKeyFile(tpm, parent, plan, kek, options, file));
  ResealReport report = {
      .key_file = KeyStore(environment.keys_dir).PathOf(options.kek.KeyFileName()),
      .approval = plan.approval,
      .notes = plan.notes};
  // As long as its indexes are there, a slot stays in the file, so that its latch closes, too.
  KeyFile both = made;
  both.slots.insert(both.slots.end(), file.slots.begin(), file.slots.end());
  Result<void> done = ProveRecoverySlots(options.recovery, made, kek);
  if (done) done = Write(report.key_file, both);
  if (!done) {
    (void)RetireSlots(tpm, made.slots);
    return Failure(std::move(done.error()));
  }
  TRY(KeepClosed(tpm, parent.tr, file, made));
  std::vector<std::string> left = RetireSlots(tpm, file.slots);
  if (left.empty()) TRY(Write(report.key_file, made));
  std::move(left.begin(), left.end(), std::back_inserter(report.notes));
  return report;
}

}  // namespace

Result<ResealReport> Reseal(const Environment& environment, const ResealOptions& options) {
  KeyStore store(environment.keys_dir);
  DirectoryLock lock = TRY(LockDirectory(store.directory()));
  KeyFile file = TRY(store.ReadKeyFile(options.kek));
  Tpm tpm = TRY(Tpm::Connect(environment.tpm_device));
  return ResealIn(environment, tpm, options, file);
}

}  // namespace nvunlock
