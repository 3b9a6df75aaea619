// SPDX-License-Identifier: Apache-2.0
#include "src/seal/slots.h"

#include <algorithm>

#include "src/base/text.h"
#include "src/model/key_store.h"
#include "src/os/directory_lock.h"
#include "src/os/file.h"
#include "src/seal/tpm_slot.h"

namespace nvunlock {
namespace {

constexpr char kTpmKind[] = "tpm2";

bool IsNamed(const std::string& which, unsigned number, const std::string& kind) {
  return which == kind || ParseUnsigned(which) == number;
}

/// Takes what WHICH names out of FILE.
std::vector<SlotSummary> TakeOut(KeyFile& file, const std::string& which) {
  std::vector<SlotSummary> all = Summarize(file);
  std::vector<SlotSummary> taken;
  unsigned number = 0;
  auto is_named = [&](const auto& /*slot*/) {
    const SlotSummary& summary = all[number];
    bool named = IsNamed(which, number++, summary.kind);
    if (named) taken.push_back(summary);
    return named;
  };
  std::erase_if(file.slots, is_named);
  std::erase_if(file.recovery, is_named);
  return taken;
}

bool HasUsableWay(const KeyFile& file) {
  return !file.slots.empty() ||
         std::any_of(file.recovery.begin(), file.recovery.end(),
                     [](const RecoverySlot& slot) { return slot.kind != RecoveryKind::kEscrow; });
}

/// Those of BEFORE whose index none of LEFT has.
std::vector<TpmSlot> Gone(const std::vector<TpmSlot>& before, const std::vector<TpmSlot>& left) {
  std::vector<TpmSlot> gone;
  for (const TpmSlot& slot : before) {
    bool is_left = std::any_of(left.begin(), left.end(), [&](const TpmSlot& other) {
      return PolicyDigest(other.key.policy) == PolicyDigest(slot.key.policy);
    });
    if (!is_left) gone.push_back(slot);
  }
  return gone;
}

std::vector<std::string> Retire(const Environment& environment, const std::vector<TpmSlot>& before,
                                const std::vector<TpmSlot>& left) {
  Result<Tpm> tpm = Tpm::Connect(environment.tpm_device);
  if (tpm) return RetireSlots(*tpm, Gone(before, left));
  return {"old copies of the key file still open on this TPM: " + tpm.error().message};
}

}  // namespace

std::vector<SlotSummary> Summarize(const KeyFile& file) {
  std::vector<SlotSummary> slots;
  for (const TpmSlot& slot : file.slots) {
    slots.push_back({kTpmKind, DescribePolicy(slot)});
  }
  for (const RecoverySlot& slot : file.recovery) slots.push_back({ToWord(slot.kind), slot.issuer});
  return slots;
}

Result<WipeReport> WipeSlots(const Environment& environment, const KekName& kek,
                             const std::string& which) {
  KeyStore store(environment.keys_dir);
  DirectoryLock lock = TRY(LockDirectory(store.directory()));
  KeyFile file = TRY(store.ReadKeyFile(kek));
  std::vector<TpmSlot> before = file.slots;
  WipeReport report = {.wiped = TakeOut(file, which), .notes = {}};
  if (report.wiped.empty()) {
    return Fail(Errc::kUsage, "no slot '" + which + "'; see 'nvunlock list-slots'");
  }
  if (!HasUsableWay(file)) {
    return Fail("that would leave no way to " + kek.ToString() +
                "; add one first with 'nvunlock reseal --recovery-key'");
  }
  // Once it is out of the file, nothing closes the latch of a slot any more.
  if (file.slots.size() < before.size()) report.notes = Retire(environment, before, file.slots);
  std::string text = TRY(FormatKeyFile(file));
  TRY(WriteFileDurably(store.PathOf(kek.KeyFileName()), text, 0600, IfPresent::kReplace));
  return report;
}

}  // namespace nvunlock
