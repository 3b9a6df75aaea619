// SPDX-License-Identifier: Apache-2.0
#include "src/seal/recovery_slots.h"

#include "src/os/file.h"

namespace nvunlock {
namespace {

constexpr size_t kCertificateLimit = 64 << 10;

Result<void> Prove(const KeyFile& file, const Secret& typed, const Secret& kek) {
  Secret opened = TRY_IN("prove the recovery slots", OpenRecovery(file, typed));
  if (!opened.Equals(kek)) return Fail("prove the recovery slots: one yields a different kek");
  return {};
}

}  // namespace

Result<std::vector<RecoverySlot>> MakeRecoverySlots(const RecoveryWays& ways, const Secret& kek) {
  std::vector<RecoverySlot> slots;
  if (ways.key) slots.push_back(TRY(MakeKeySlot(kek, *ways.key)));
  if (ways.passphrase) slots.push_back(TRY(MakePassphraseSlot(kek, *ways.passphrase)));
  for (const std::string& path : ways.escrow) {
    std::string certificate = TRY(ReadFile(path, kCertificateLimit));
    slots.push_back(TRY_IN(path, MakeEscrowSlot(kek, certificate)));
  }
  return slots;
}

Result<void> ProveRecoverySlots(const RecoveryWays& ways, const KeyFile& file, const Secret& kek) {
  if (ways.key) {
    Secret typed = TRY(FormatRecoveryKey(*ways.key));
    TRY(Prove(file, typed, kek));
  }
  if (ways.passphrase) TRY(Prove(file, *ways.passphrase, kek));
  return {};
}

}  // namespace nvunlock
