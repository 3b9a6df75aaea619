// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_TCTI_H_
#define NVUNLOCK_TPM_TCTI_H_

#include <tss2/tss2_tcti.h>

#include <memory>
#include <set>
#include <string>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "tpm/wire.h"

namespace nvunlock {

/// What ESYS talks to. A TCTI of our own (TSS 2.0 TCTI specification), because it lets no
/// malformed response through to ESYS, and because tpm2-tss's device TCTI spends a TPM command and
/// up to a second on probing each time.
///
/// It stands in for the resource manager that an early boot may not have: a TPM that asks for
/// another try is given some seconds, one that nobody has started is started, and what was not
/// flushed when the connection ends, whatever happened to ESYS, is flushed then.
class Tcti {
 public:
  /// DEVICE as for Wire::Open.
  static Result<std::unique_ptr<Tcti>> Open(const std::string& device);

  Tcti(const Tcti&) = delete;
  Tcti& operator=(const Tcti&) = delete;
  ~Tcti();

  /// For Esys_Initialize; belongs to this object.
  TSS2_TCTI_CONTEXT* context() { return reinterpret_cast<TSS2_TCTI_CONTEXT*>(&common_); }

 private:
  Tcti(Wire wire, std::string device);

  static Tcti* Of(TSS2_TCTI_CONTEXT* context) { return reinterpret_cast<Tcti*>(context); }
  static TSS2_RC Transmit(TSS2_TCTI_CONTEXT* context, size_t size, const uint8_t* command);
  static TSS2_RC Receive(TSS2_TCTI_CONTEXT* context, size_t* size, uint8_t* response,
                         int32_t timeout);

  TSS2_RC Ask(ByteView command);
  TSS2_RC AskPatiently(ByteView command);
  bool StartUp();
  void KeepTrackOfHandles(ByteView command);

  TSS2_TCTI_CONTEXT_COMMON_V2 common_ = {};  // must stay the first member: see Of()
  Wire wire_;
  std::string device_;
  Bytes response_;
  std::set<uint32_t> unflushed_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_TCTI_H_
