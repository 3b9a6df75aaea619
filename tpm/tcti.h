#ifndef NVUNLOCK_TPM_TCTI_H_
#define NVUNLOCK_TPM_TCTI_H_

#include <tss2/tss2_tcti.h>

#include <memory>
#include <string>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/base/unique_fd.h"

namespace nvunlock {

/// The way to a TPM: a character device, or the Unix socket of a swtpm. A TCTI of our own (TSS 2.0
/// TCTI specification), because it lets no malformed response through to ESYS, and because
/// tpm2-tss's device TCTI spends a TPM command and up to a second on probing each time.
class Tcti {
 public:
  /// DEVICE is "auto" (/dev/tpmrm0, else /dev/tpm0), the path of a character device, or
  /// "swtpm:path=SOCKET". Fails with kNoTpm when it is not there.
  static Result<std::unique_ptr<Tcti>> Open(const std::string& device);

  Tcti(const Tcti&) = delete;
  Tcti& operator=(const Tcti&) = delete;

  /// For Esys_Initialize; belongs to this object.
  TSS2_TCTI_CONTEXT* context() { return reinterpret_cast<TSS2_TCTI_CONTEXT*>(&common_); }

 private:
  explicit Tcti(UniqueFd fd);

  static Tcti* Of(TSS2_TCTI_CONTEXT* context) { return reinterpret_cast<Tcti*>(context); }
  static TSS2_RC Transmit(TSS2_TCTI_CONTEXT* context, size_t size, const uint8_t* command);
  static TSS2_RC Receive(TSS2_TCTI_CONTEXT* context, size_t* size, uint8_t* response,
                         int32_t timeout);

  TSS2_RC FetchResponse();

  TSS2_TCTI_CONTEXT_COMMON_V2 common_ = {};  // must stay the first member: see Of()
  UniqueFd fd_;
  Bytes command_;
  Bytes response_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_TCTI_H_
