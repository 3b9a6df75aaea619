// SPDX-License-Identifier: Apache-2.0
#include "src/seal/boot_reseal.h"

#include <unistd.h>

#include <cerrno>

#include "src/model/key_store.h"
#include "src/os/directory_lock.h"
#include "src/os/file.h"
#include "src/seal/tpm_slot.h"

namespace nvunlock {
namespace {

Result<void> Remove(const std::string& path) {
  if (unlink(path.c_str()) != 0) return FailErrno(path, errno);
  return {};
}

/// Key files change, kek and recovery slots stay.
Result<Adoption> AdoptOne(const KeyStore& waiting, const KeyStore& store, const KekName& kek) {
  KeyFile made = TRY(waiting.ReadKeyFile(kek));
  KeyFile file = TRY(store.ReadKeyFile(kek));
  std::string source = waiting.PathOf(kek.KeyFileName());
  if (made.check_value != file.check_value || made.slots.empty()) {
    return Fail(Errc::kBadKeyFile, source + ": not of the kek in " + store.directory());
  }
  file.slots = std::move(made.slots);
  Adoption adoption = {.key_file = store.PathOf(kek.KeyFileName()),
                       .policy = DescribePolicy(file.slots[0])};
  std::string text = TRY(FormatKeyFile(file));
  TRY(WriteFileDurably(adoption.key_file, text, 0600, IfPresent::kReplace));
  TRY(Remove(source));
  return adoption;
}

}  // namespace

std::string WaitingPlace(const Environment& environment) {
  return environment.run_dir + "/resealed";
}

bool CanResealAtBoot(const KeyFile& file, const Error& why) {
  if (file.slots.empty() || file.slots[0].key.policy.pin) return false;
  return why.code == Errc::kPolicyMismatch || why.code == Errc::kWrongTpm ||
         why.code == Errc::kLatchGone;
}

Result<std::vector<std::string>> ResealAtBoot(const Environment& environment, Tpm& tpm,
                                              KeyFile file, const Secret& kek) {
  SlotOptions slot = TRY(OptionsOfSlot(file.slots.at(0), std::nullopt));
  SlotPlan plan = TRY(PlanTpmSlot(environment, tpm, slot));
  std::optional<NvLatch> new_latch;
  KeyStore store(environment.keys_dir);
  (void)TRY(ReplaceTpmSlots(tpm, store, plan, slot.latch, kek, nullptr, file, new_latch));
  KeyStore waiting(WaitingPlace(environment));
  Result<void> written = MakeDirectories(waiting.directory(), 0700);
  Result<std::string> text = FormatKeyFile(file);
  if (written && text) {
    written =
        WriteFileDurably(waiting.PathOf(file.kek.KeyFileName()), *text, 0600, IfPresent::kReplace);
  }
  bool done = written && text;
  if (!done && new_latch) (void)RemoveNvLatch(tpm, *new_latch);
  if (!text) return Failure(std::move(text.error()));
  if (!written) return Failure(std::move(written.error()));
  return plan.notes;
}

Result<std::vector<Adoption>> AdoptResealed(const Environment& environment) {
  std::vector<Adoption> adoptions;
  KeyStore waiting(WaitingPlace(environment));
  if (!Exists(waiting.directory())) return adoptions;
  KeyStore store(environment.keys_dir);
  DirectoryLock lock = TRY(LockDirectory(store.directory()));
  for (const KekName& kek : TRY(waiting.EnrolledKeks())) {
    adoptions.push_back(TRY(AdoptOne(waiting, store, kek)));
  }
  return adoptions;
}

}  // namespace nvunlock
