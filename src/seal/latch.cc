// SPDX-License-Identifier: Apache-2.0
#include "src/seal/latch.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <iterator>
#include <set>
#include <thread>
#include <utility>

#include "src/os/tpm_device.h"
#include "src/records/record_pcrs.h"
#include "src/seal/boot_reseal.h"
#include "tpm/nv_index.h"
#include "tpm/pcr_latch.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTries = 3;
constexpr std::chrono::milliseconds kPause{200};
constexpr std::chrono::seconds kPatience{10};

/// One run of CloseLatches.
class Closer {
 public:
  Closer(const KeyStore& store, TpmConnection& tpm) : store_(store), tpm_(tpm) {}

  std::vector<Error> Run() {
    Result<std::vector<KekName>> keks = store_.EnrolledKeks();
    if (!keks) return {std::move(keks.error())};
    for (const KekName& kek : *keks) {
      Result<KeyFile> file = store_.ReadKeyFile(kek);
      if (!file) {
        problems_.push_back(std::move(file.error()).Within("its latch was not closed"));
        continue;
      }
      for (const TpmSlot& slot : file->slots) Close(slot);
    }
    return std::move(problems_);
  }

 private:
  /// Slots share latches; each is closed once, through the key that the slot knows the TPM by.
  void Close(const TpmSlot& slot) {
    const std::optional<NvLatch>& nv = slot.key.policy.latch;
    const Bytes parent_name = NameOf(slot.parent);
    if (nv && done_.emplace(parent_name, NameOfIndex(nv->index)).second) {
      Note(Insist(slot, [&](Tpm& tpm, ESYS_TR parent) { return CloseNvLatch(tpm, parent, *nv); }));
    } else if (slot.latch.kind == LatchKind::kPcr &&
               done_.emplace(parent_name, BigEndian(slot.latch.pcr, 4)).second) {
      Note(Insist(slot, [&](Tpm& tpm, ESYS_TR parent) {
        return ClosePcrLatch(tpm, parent, slot.latch.pcr);
      }));
    }
  }

  using Closing = std::function<Result<void>(Tpm& tpm, ESYS_TR parent)>;

  /// The first failure says most: a latch that has closed unseen answers otherwise.
  Result<void> Insist(const TpmSlot& slot, const Closing& closing) {
    const Clock::time_point deadline = Clock::now() + kPatience;
    Result<void> first = TryOnce(slot, closing);
    bool closed = first.has_value();
    for (int i = 1; i < kTries && !closed && MayPass(first.error()); i++) {
      if (Clock::now() > deadline) break;
      std::this_thread::sleep_for(kPause);
      closed = TryOnce(slot, closing).has_value();
    }
    return closed ? Result<void>() : first;
  }

  static bool MayPass(const Error& error) {
    return error.code != Errc::kNoTpm && error.code != Errc::kLatchGone;
  }

  Result<void> TryOnce(const TpmSlot& slot, const Closing& closing) {
    Result<void> closed = [&]() -> Result<void> {
      Tpm* tpm = TRY(tpm_.Get());
      return closing(*tpm, TRY(PinParent(*tpm, slot.key.parent_handle, slot.parent)));
    }();
    if (!closed) tpm_.HangUp();
    return closed;
  }

  void Note(Result<void> result) {
    if (result) return;
    Error problem = std::move(result.error());
    // What is gone holds nothing open.
    if (problem.code != Errc::kLatchGone) {
      problem = std::move(problem).Within("the TPM may unseal once more in this boot");
    }
    bool is_new = std::none_of(problems_.begin(), problems_.end(), [&](const Error& other) {
      return other.message == problem.message;
    });
    if (is_new) problems_.push_back(std::move(problem));
  }

  const KeyStore& store_;
  TpmConnection& tpm_;
  std::set<std::pair<Bytes, Bytes>> done_;
  std::vector<Error> problems_;
};

}  // namespace

std::vector<Error> CloseLatches(const KeyStore& store, TpmConnection& tpm) {
  return Closer(store, tpm).Run();
}

std::vector<Error> CloseAllLatches(const Environment& environment, TpmConnection& tpm) {
  std::vector<Error> problems = CloseLatches(KeyStore(environment.keys_dir), tpm);
  std::vector<Error> more = CloseLatches(KeyStore(WaitingPlace(environment)), tpm);
  std::move(more.begin(), more.end(), std::back_inserter(problems));
  return problems;
}

std::vector<Error> CloseLatchesAtBoot(const Environment& environment, TpmConnection& tpm) {
  std::vector<Error> problems = CloseAllLatches(environment, tpm);
  bool has_tpm =
      tpm.FoundTpm() || TpmIsDescribed(environment.sysfs_root) || PcrsAreRecorded(environment);
  if (has_tpm) return problems;
  std::erase_if(problems, [](const Error& problem) { return problem.code == Errc::kNoTpm; });
  return problems;
}

}  // namespace nvunlock
