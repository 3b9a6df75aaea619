#include "src/procedures/close_latches.h"

#include <iterator>
#include <set>

#include "src/procedures/boot_reseal.h"
#include "tpm/pcr_latch.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

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
  /// Slots share latches; each is closed once.
  void Close(const TpmSlot& slot) {
    const std::optional<NvLatch>& nv = slot.key.policy.latch;
    if (nv && closed_.insert(nv->index.nvPublic.nvIndex).second) {
      Note(CloseNv(slot, *nv));
    } else if (slot.latch.kind == LatchKind::kPcr && closed_.insert(slot.latch.pcr).second) {
      Note(ClosePcr(slot.latch.pcr));
    }
  }

  Result<void> CloseNv(const TpmSlot& slot, const NvLatch& latch) {
    Tpm* tpm = TRY(tpm_.Get());
    ESYS_TR parent = TRY(PinParent(*tpm, slot.key.parent_handle, slot.parent));
    return CloseNvLatch(*tpm, parent, latch);
  }

  Result<void> ClosePcr(unsigned pcr) {
    Tpm* tpm = TRY(tpm_.Get());
    return ClosePcrLatch(*tpm, pcr);
  }

  void Note(Result<void> result) {
    // Without a TPM nothing is open.
    if (result || result.error().code == Errc::kNoTpm) return;
    problems_.push_back(std::move(result.error()));
  }

  const KeyStore& store_;
  TpmConnection& tpm_;
  std::set<uint32_t> closed_;
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

}  // namespace nvunlock
