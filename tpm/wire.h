#ifndef NVUNLOCK_TPM_WIRE_H_
#define NVUNLOCK_TPM_WIRE_H_

#include <tss2/tss2_common.h>

#include <string>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/base/unique_fd.h"

namespace nvunlock {

/// The way to a TPM: a character device, or the Unix socket of a swtpm.
class Wire {
 public:
  /// DEVICE is "auto" (/dev/tpmrm0, else /dev/tpm0), the path of a character device, or
  /// "swtpm:path=SOCKET". Fails with kNoTpm when it is not there.
  static Result<Wire> Open(const std::string& device);

  /// Sends COMMAND and waits for the RESPONSE. Fails with TSS2_TCTI_RC_IO_ERROR, or with
  /// TSS2_TCTI_RC_MALFORMED_RESPONSE when ESYS should not see the response.
  TSS2_RC Exchange(ByteView command, Bytes& response) const;

 private:
  explicit Wire(UniqueFd fd) : fd_(std::move(fd)) {}

  [[nodiscard]] bool Send(ByteView command) const;
  [[nodiscard]] Bytes ReceiveResponse() const;

  UniqueFd fd_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_WIRE_H_
