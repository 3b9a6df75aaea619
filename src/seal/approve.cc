// SPDX-License-Identifier: Apache-2.0
#include "src/seal/approve.h"

#include <algorithm>

#include "src/model/key_store.h"
#include "src/os/directory_lock.h"
#include "src/os/file.h"
#include "src/seal/held_update_key.h"
#include "tpm/session.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

Result<ESYS_TR> ParentOf(Tpm& tpm, const TpmSlot& slot) {
  return PinParent(tpm, slot.key.parent_handle, slot.parent);
}

Result<UpdateKey> ObtainUpdateKey(const Environment& environment, Tpm& tpm, const KeyFile& file,
                                  const Questions& questions) {
  Result<std::optional<UpdateKey>> held = FindHeldUpdateKey(environment, file.kek);
  if (held && *held) return std::move(**held);
  Secret kek = TRY(ObtainKekForChange(environment, tpm, file, questions));
  return UpdateKey::Import(TRY(DecryptUpdateKey(file, kek)));
}

/// An index that is gone, or was never written, is made as it was.
Result<void> Write(Tpm& tpm, ESYS_TR parent, const PolicyIndex& index, const UpdateKey& key,
                   ByteView contents, std::vector<std::string>& notes) {
  Result<void> written = WriteIndex(tpm, parent, index.area, key, contents);
  if (written || written.error().code != Errc::kLatchGone) return written;
  TRY(RedefineIndex(tpm, index.area));
  notes.push_back("the policy index was gone, and was made anew");
  return WriteIndex(tpm, parent, index.area, key, contents);
}

/// Where signed PCRs are approved, `unlock` needs the key itself; so it is there first.
Result<void> AddSigner(const KeyStore& store, const ApprovalChange& change, KeyFile& file,
                       std::vector<std::string>& notes) {
  if (!change.signed_pcrs) return {};
  const RsaKey& key = change.signed_pcrs->key;
  if (std::find(file.signers.begin(), file.signers.end(), key) != file.signers.end()) return {};
  file.signers.push_back(key);
  std::string path = store.PathOf(file.kek.KeyFileName());
  TRY(WriteFileDurably(path, TRY(FormatKeyFile(file)), 0600, IfPresent::kReplace));
  notes.push_back(path + " holds another key now: rebuild the initramfs image");
  return {};
}

/// What is approved opens nothing without the latch.
void NoteLostLatch(Tpm& tpm, const TpmSlot& slot, std::vector<std::string>& notes) {
  Result<LatchState> latch = ReadNvLatch(tpm, slot.key.policy.latch);
  if (latch || latch.error().code != Errc::kLatchGone) return;
  notes.push_back(latch.error().message + "; run 'nvunlock reseal'");
}

Result<ApproveReport> ApproveIn(const Environment& environment, Tpm& tpm, KeyFile& file,
                                const ApprovalChange& change, const Questions& questions) {
  ApproveReport report;
  const TpmSlot& slot = file.slots[0];
  std::optional<Approval> base = TRY(ReadApproval(tpm, slot));
  if (base && change.for_update && !DependsOnBootFiles(*base)) {
    report.approval = std::move(*base);
    return report;
  }
  if (!base && !change.only_now) {
    return Fail(Errc::kLatchGone,
                "what was approved is gone from the TPM; approve it anew with 'nvunlock approve "
                "--now'");
  }
  ESYS_TR parent = TRY(ParentOf(tpm, slot));
  ApprovalPlan plan =
      TRY(ChangeApproval(environment, tpm, parent, base.value_or(Approval()), change));
  report = {.approval = std::move(plan.approval), .notes = std::move(plan.notes)};
  Bytes contents = TRY(EncodeApproval(report.approval));
  if (base && contents == TRY(EncodeApproval(*base))) return report;
  UpdateKey key = TRY(ObtainUpdateKey(environment, tpm, file, questions));
  TRY(AddSigner(KeyStore(environment.keys_dir), change, file, report.notes));
  TRY(Write(tpm, parent, slot.key.policy.index, key, contents, report.notes));
  NoteLostLatch(tpm, slot, report.notes);
  report.written = true;
  return report;
}

}  // namespace

Result<std::optional<Approval>> ReadApproval(Tpm& tpm, const TpmSlot& slot) {
  ESYS_TR parent = TRY(ParentOf(tpm, slot));
  Result<TpmObject> session = StartSession(tpm, parent, TPM2_SE_HMAC, 0);
  Esys_TR_Close(tpm.esys(), &parent);  // `status` looks for another key in its place
  if (!session) return Failure(std::move(session.error()));
  Result<Bytes> contents = ReadPolicyIndex(tpm, session->tr(), slot.key.policy.index);
  if (!contents && contents.error().code == Errc::kLatchGone) return std::optional<Approval>();
  if (!contents) return Failure(std::move(contents.error()));
  Result<Approval> approval = DecodeApproval(*contents);
  return approval ? std::optional(std::move(*approval)) : std::nullopt;
}

Result<ApproveReport> Approve(const Environment& environment, const KekName& kek,
                              const ApprovalChange& change, const Questions& questions) {
  std::optional<DirectoryLock> keys_lock;
  if (change.signed_pcrs) keys_lock = TRY(LockDirectory(environment.keys_dir));
  TRY(MakeDirectories(environment.run_dir, 0755));
  DirectoryLock turn = TRY(LockDirectory(environment.run_dir));
  KeyFile file = TRY(KeyStore(environment.keys_dir).ReadKeyFile(kek));
  if (file.slots.empty()) return Fail(Errc::kBadKeyFile, "no TPM slot");
  Tpm tpm = TRY(Tpm::Connect(environment.tpm_device));
  return ApproveIn(environment, tpm, file, change, questions);
}

}  // namespace nvunlock
