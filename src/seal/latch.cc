// SPDX-License-Identifier: Apache-2.0
#include "src/seal/latch.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "src/model/key_store.h"
#include "src/os/tpm_device.h"
#include "src/records/record_pcrs.h"
#include "tpm/nv_latch.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTries = 3;
constexpr std::chrono::milliseconds kPause{200};
constexpr std::chrono::seconds kPatience{10};

Result<void> TryOnce(TpmConnection& connection, const TpmSlot& slot) {
  Result<void> closed = [&]() -> Result<void> {
    Tpm* tpm = TRY(connection.Get());
    ESYS_TR parent = TRY(PinParent(*tpm, slot.key.parent_handle, slot.parent));
    return CloseNvLatch(*tpm, parent, slot.key.policy.latch);
  }();
  if (!closed) connection.HangUp();
  return closed;
}

bool MayPass(const Error& error) {
  return error.code != Errc::kNoTpm && error.code != Errc::kLatchGone;
}

/// The first failure says most: a latch that has closed unseen answers otherwise.
Result<void> Insist(TpmConnection& connection, const TpmSlot& slot) {
  const Clock::time_point deadline = Clock::now() + kPatience;
  Result<void> first = TryOnce(connection, slot);
  bool closed = first.has_value();
  for (int i = 1; i < kTries && !closed && MayPass(first.error()); i++) {
    if (Clock::now() > deadline) break;
    std::this_thread::sleep_for(kPause);
    closed = TryOnce(connection, slot).has_value();
  }
  return closed ? Result<void>() : first;
}

void Note(Result<void> result, std::vector<Error>& problems) {
  if (result) return;
  Error problem = std::move(result.error());
  // What is gone holds nothing open.
  if (problem.code != Errc::kLatchGone) {
    problem = std::move(problem).Within("the TPM may unseal once more in this boot");
  }
  bool is_new = std::none_of(problems.begin(), problems.end(),
                             [&](const Error& other) { return other.message == problem.message; });
  if (is_new) problems.push_back(std::move(problem));
}

}  // namespace

std::vector<Error> CloseLatches(const Environment& environment, TpmConnection& tpm) {
  KeyStore store(environment.keys_dir);
  std::vector<Error> problems;
  Result<std::vector<KekName>> keks = store.EnrolledKeks();
  if (!keks) return {std::move(keks.error())};
  for (const KekName& kek : *keks) {
    Result<KeyFile> file = store.ReadKeyFile(kek);
    if (!file) {
      problems.push_back(std::move(file.error()).Within("its latch was not closed"));
      continue;
    }
    for (const TpmSlot& slot : file->slots) Note(Insist(tpm, slot), problems);
  }
  return problems;
}

std::vector<Error> CloseLatchesAtBoot(const Environment& environment, TpmConnection& tpm) {
  std::vector<Error> problems = CloseLatches(environment, tpm);
  bool has_tpm =
      tpm.FoundTpm() || TpmIsDescribed(environment.sysfs_root) || PcrsAreRecorded(environment);
  if (has_tpm) return problems;
  std::erase_if(problems, [](const Error& problem) { return problem.code == Errc::kNoTpm; });
  return problems;
}

}  // namespace nvunlock
