// SPDX-License-Identifier: Apache-2.0
#include "src/seal/tpm_slot.h"

#include "src/seal/unseal.h"
#include "tpm/sealed_object.h"
#include "tpm/session.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

/// PCR 7 as it is now: what the proof is made with, whatever is approved later.
Result<Approval> ApprovalForProof(Tpm& tpm) {
  const PcrBank* bank = nullptr;
  for (const PcrBank* active : TRY(ActivePcrBanks(tpm))) bank = bank == nullptr ? active : bank;
  if (bank == nullptr) return Fail("this TPM has no PCR bank active");
  PcrValues values = TRY(ReadPcrs(tpm, *bank, 1U << 7));
  return Approval{.pcrs = SelectPcrs(*bank, 1U << 7),
                  .branches = {{.pcrs = PolicyForValues(*bank, values)}}};
}

Result<void> WriteApproval(Tpm& tpm, ESYS_TR parent, const PolicyIndex& index, const UpdateKey& key,
                           const Approval& approval) {
  Bytes contents = TRY(EncodeApproval(approval));
  return WriteIndex(tpm, parent, index.area, key, contents);
}

Result<TpmSlot> SealSlot(Tpm& tpm, const SealingParent& parent, const Policy& policy,
                         const Secret& kek, const SlotPin* pin) {
  TpmSlot slot;
  slot.parent = parent.srk;
  slot.key.parent_handle = kSrkHandle;
  slot.key.policy = policy;
  TpmObject session = TRY(StartHmacSession(tpm, parent.tr));
  Secret slot_secret = TRY(MakeRandomSecret(tpm, session.tr(), kSlotSecretSize));
  const Secret* auth_value = pin == nullptr ? nullptr : &pin->keys.auth_value;
  slot.key.sealed = TRY(Seal(tpm, parent.tr, slot_secret, policy, auth_value));
  slot.kek_cms = TRY(EncryptKekForSlot(kek, slot_secret, slot.key.sealed, pin));
  if (pin != nullptr) slot.scrypt = pin->scrypt;
  return slot;
}

/// Shows that FILE, written and read back, yields KEK through its only TPM slot, and that this does
/// not open without its policy.
Result<void> Prove(Tpm& tpm, ESYS_TR parent, const KeyFile& file, const Secret& kek,
                   const SlotPin* pin) {
  TRY(ProveClosedWithoutPolicy(tpm, parent, file.slots[0].key.sealed));
  KeyFile read_back = TRY(ParseKeyFile(TRY(FormatKeyFile(file))));
  Result<OpenedKek> opened = UnsealKekThrough(tpm, read_back, read_back.slots.at(0), {},
                                              pin == nullptr ? nullptr : &pin->keys);
  if (!opened) return Failure(std::move(opened.error()).Within("prove the new key file"));
  if (!opened->kek.Equals(kek)) return Fail("prove the new key file: it yields a different kek");
  return {};
}

Result<void> FillSlots(Tpm& tpm, const SealingParent& parent, const ApprovalPlan& plan,
                       const Secret& kek, const SlotPin* pin, const UpdateKey& key,
                       const Policy& policy, KeyFile& file) {
  TRY(WriteApproval(tpm, parent.tr, policy.index, key, TRY(ApprovalForProof(tpm))));
  TpmSlot slot = TRY(SealSlot(tpm, parent, policy, kek, pin));
  file.slots.clear();
  file.slots.push_back(std::move(slot));
  file.update_key_cms = TRY(EncryptUpdateKey(TRY(key.Export()), kek));
  TRY(Prove(tpm, parent.tr, file, kek, pin));
  return WriteApproval(tpm, parent.tr, policy.index, key, plan.approval);
}

/// An index of POLICY that is not there is no failure.
Result<void> RemoveIndexes(Tpm& tpm, const Policy& policy) {
  for (const TPM2B_NV_PUBLIC* index : {&policy.index.area, &policy.latch.index}) {
    Result<void> removed = RemoveIndex(tpm, *index);
    if (!removed && removed.error().code != Errc::kLatchGone) return removed;
  }
  return {};
}

Result<PolicyIndex> MakePolicyIndex(Tpm& tpm, const UpdateKey& key) {
  return PolicyIndex{.area = TRY(DefineIndex(tpm, key, kPolicyIndexSize, 0))};
}

}  // namespace

Result<SealingParent> PrepareToSeal(Tpm& tpm) {
  TRY(CheckAuthorizesByNv(tpm));
  SealingParent parent;
  parent.srk = TRY(ProvisionSrk(tpm));
  parent.tr = TRY(PinParent(tpm, kSrkHandle, parent.srk));
  return parent;
}

Result<void> ReplaceTpmSlots(Tpm& tpm, const SealingParent& parent, const ApprovalPlan& plan,
                             const Secret& kek, const SlotPin* pin, KeyFile& file) {
  UpdateKey key = TRY(UpdateKey::Generate());
  Policy policy = {.index = {}, .latch = {}, .pin = pin != nullptr};
  policy.latch = TRY(MakeNvLatch(tpm, parent.tr));
  Result<PolicyIndex> index = MakePolicyIndex(tpm, key);
  if (index) policy.index = *index;
  Result<void> filled = index ? FillSlots(tpm, parent, plan, kek, pin, key, policy, file)
                              : Failure(std::move(index.error()));
  if (!filled) (void)RemoveIndexes(tpm, policy);
  return filled;
}

std::vector<std::string> RetireSlots(Tpm& tpm, const std::vector<TpmSlot>& slots) {
  std::vector<std::string> notes;
  for (const TpmSlot& slot : slots) {
    Result<void> removed = RemoveIndexes(tpm, slot.key.policy);
    if (removed) continue;
    notes.push_back("old copies of the key file still open: " + removed.error().message);
  }
  return notes;
}

Result<std::optional<SlotPin>> MakeSlotPin(const std::optional<Secret>& pin) {
  if (!pin) return std::optional<SlotPin>();
  ScryptParameters scrypt = TRY(MakeScryptParameters());
  PinKeys keys = TRY(DerivePinKeys(*pin, scrypt));
  return std::optional<SlotPin>(SlotPin{std::move(scrypt), std::move(keys)});
}

}  // namespace nvunlock
