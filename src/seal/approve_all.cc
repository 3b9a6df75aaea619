// SPDX-License-Identifier: Apache-2.0
#include "src/seal/approve_all.h"

#include <algorithm>

#include "src/model/key_store.h"
#include "src/records/unlearnt.h"
#include "src/seal/held_update_key.h"

namespace nvunlock {
namespace {

/// True where it cannot be told.
bool HasTpmSlot(const KeyStore& store, const KekName& kek) {
  Result<KeyFile> file = store.ReadKeyFile(kek);
  return !file || !file->slots.empty();
}

Result<std::vector<KekName>> KeksFor(const Environment& environment,
                                     const std::optional<KekName>& only,
                                     const ApprovalChange& change) {
  if (only) return std::vector<KekName>{*only};
  if (change.learn) return ReadUnlearnt(environment);
  KeyStore store(environment.keys_dir);
  std::vector<KekName> keks = TRY(store.EnrolledKeks());
  if (change.for_update)
    std::erase_if(keks, [&](const KekName& kek) { return !HasTpmSlot(store, kek); });
  if (!keks.empty() || change.for_update) return keks;
  return Fail(Errc::kBadKeyFile, "nothing is enrolled");
}

Result<ApproveReport> Show(const Environment& environment, const KekName& kek) {
  KeyFile file = TRY(KeyStore(environment.keys_dir).ReadKeyFile(kek));
  if (file.slots.empty()) return Fail(Errc::kBadKeyFile, "no TPM slot");
  Tpm tpm = TRY(Tpm::Connect(environment.tpm_device));
  std::optional<Approval> approval = TRY(ReadApproval(tpm, file.slots[0]));
  if (approval) return ApproveReport{.approval = std::move(*approval), .notes = {}};
  return Fail(Errc::kLatchGone,
              "what was approved is gone from the TPM; approve it anew with 'nvunlock approve "
              "--now'");
}

}  // namespace

Result<std::vector<KekApproval>> ApproveAll(const Environment& environment,
                                            const std::optional<KekName>& only,
                                            const ApprovalChange& change,
                                            const Questions& questions, bool keep_keys) {
  std::vector<KekApproval> approvals;
  for (const KekName& kek : TRY(KeksFor(environment, only, change))) {
    approvals.push_back({kek, Approve(environment, kek, change, questions)});
  }
  if (!change.learn) return approvals;
  TRY(ForgetUnlearnt(environment));
  for (const KekApproval& approval : approvals) {
    if (!approval.report) TRY(RecordUnlearnt(environment, approval.kek));
  }
  if (!keep_keys) TRY(DropUpdateKeys(environment));
  return approvals;
}

Result<void> ApproveUpdate(const Environment& environment) {
  ApprovalChange change = {.for_update = true, .next_boots = 1};
  for (KekApproval& approval : TRY(ApproveAll(environment, std::nullopt, change, {}, true))) {
    if (!approval.report) {
      return Failure(std::move(approval.report.error()).Within(approval.kek.ToString()));
    }
  }
  return {};
}

Result<std::vector<KekApproval>> ReadApprovals(const Environment& environment,
                                               const std::optional<KekName>& only) {
  std::vector<KekApproval> approvals;
  for (const KekName& kek : TRY(KeksFor(environment, only, {}))) {
    approvals.push_back({kek, Show(environment, kek)});
  }
  return approvals;
}

}  // namespace nvunlock
