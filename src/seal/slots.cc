// SPDX-License-Identifier: Apache-2.0
#include "src/seal/slots.h"

#include <algorithm>

#include "src/base/text.h"
#include "src/model/key_store.h"
#include "src/os/directory_lock.h"
#include "src/os/file.h"

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

}  // namespace

std::vector<SlotSummary> Summarize(const KeyFile& file) {
  std::vector<SlotSummary> slots;
  for (const TpmSlot& slot : file.slots) {
    slots.push_back({kTpmKind, DescribePolicy(slot) + " latch=" + ToText(slot.latch)});
  }
  for (const RecoverySlot& slot : file.recovery) slots.push_back({ToWord(slot.kind), slot.issuer});
  return slots;
}

Result<std::vector<SlotSummary>> WipeSlots(const Environment& environment, const KekName& kek,
                                           const std::string& which) {
  KeyStore store(environment.keys_dir);
  DirectoryLock lock = TRY(LockDirectory(store.directory()));
  KeyFile file = TRY(store.ReadKeyFile(kek));
  std::vector<SlotSummary> taken = TakeOut(file, which);
  if (taken.empty()) {
    return Fail(Errc::kUsage, "no slot '" + which + "'; see 'nvunlock list-slots'");
  }
  if (!HasUsableWay(file)) {
    return Fail("that would leave no way to " + kek.ToString() +
                "; add one first with 'nvunlock reseal --recovery-key'");
  }
  std::string text = TRY(FormatKeyFile(file));
  TRY(WriteFileDurably(store.PathOf(kek.KeyFileName()), text, 0600, IfPresent::kReplace));
  return taken;
}

}  // namespace nvunlock
