// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/tpm/tcti_test.cc.
#ifndef NVUNLOCK_TPM_WIRE_H_
#define NVUNLOCK_TPM_WIRE_H_

#include <sys/types.h>
#include <tss2/tss2_common.h>

#include <span>
#include <string>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/base/unique_fd.h"

namespace nvunlock {

/// The way to a TPM: a character device, or the Unix socket of a swtpm.
class Wire {
 public:
  /// DEVICE is "auto" (/dev/tpmrm0, else /dev/tpm0), the path of a character device, or
  /// "swtpm:path=SOCKET". Fails with kNoTpm when it is not there, and with kTpmNotReady when it is
  /// and cannot be opened.
  static Result<Wire> Open(const std::string& device);

  /// Sends COMMAND and waits for the RESPONSE, for 20 seconds at most, or for as long as the kernel
  /// gives a device. Fails with TSS2_TCTI_RC_IO_ERROR, or with TSS2_TCTI_RC_MALFORMED_RESPONSE when
  /// ESYS should not see the response. After a failure nothing is sent any more: what still came
  /// would be taken for the answer to another command.
  TSS2_RC Exchange(ByteView command, Bytes& response);

  /// Whether an exchange has failed.
  [[nodiscard]] bool IsBroken() const { return !fd_.valid(); }

 private:
  explicit Wire(UniqueFd fd) : fd_(std::move(fd)) {}

  TSS2_RC ExchangeOnce(ByteView command, Bytes& response) const;
  [[nodiscard]] bool Send(ByteView command) const;
  [[nodiscard]] ssize_t ReceiveSome(std::span<uint8_t> buffer) const;
  [[nodiscard]] Bytes ReceiveResponse() const;

  UniqueFd fd_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_WIRE_H_
