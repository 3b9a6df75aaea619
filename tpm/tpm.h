// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_TPM_H_
#define NVUNLOCK_TPM_TPM_H_

#include <tss2/tss2_esys.h>

#include <memory>
#include <string>
#include <utility>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "tpm/tcti.h"

namespace nvunlock {

/// Frees what ESYS hands out; the program's free() wipes it.
struct EsysFree {
  void operator()(void* memory) const { Esys_Free(memory); }
};
template <typename T>
using EsysPtr = std::unique_ptr<T, EsysFree>;

/// One connection to a TPM through ESYS.
class Tpm {
 public:
  /// DEVICE as for Tcti::Open. Sends nothing to the TPM yet.
  static Result<Tpm> Connect(const std::string& device);

  ESYS_CONTEXT* esys() { return esys_.get(); }

  /// SIZE (1 to 32) random bytes of the TPM, through SESSION, so that nobody on the bus sees them.
  Result<Bytes> GetRandom(size_t size, ESYS_TR session);

 private:
  friend class TpmObject;

  struct FinalizeEsys {
    void operator()(ESYS_CONTEXT* esys) const { Esys_Finalize(&esys); }
  };

  explicit Tpm(std::unique_ptr<Tcti> tcti) : tcti_(std::move(tcti)) {}

  std::unique_ptr<Tcti> tcti_;
  std::unique_ptr<ESYS_CONTEXT, FinalizeEsys> esys_;
};

/// Owns an object or session in the TPM's memory and flushes it: a TPM has room for three objects,
/// and so has each connection through the kernel's resource manager.
class TpmObject {
 public:
  TpmObject(Tpm& tpm, ESYS_TR tr) : tpm_(&tpm), tr_(tr) {}
  TpmObject(TpmObject&& other) noexcept
      : tpm_(other.tpm_), tr_(std::exchange(other.tr_, ESYS_TR_NONE)) {}
  TpmObject& operator=(TpmObject&&) = delete;
  ~TpmObject();

  [[nodiscard]] ESYS_TR tr() const { return tr_; }

 private:
  Tpm* tpm_;
  ESYS_TR tr_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_TPM_H_
