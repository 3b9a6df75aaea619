// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/records/record_pcrs_test.cc.
#ifndef NVUNLOCK_TPM_CONNECTION_H_
#define NVUNLOCK_TPM_CONNECTION_H_

#include <optional>
#include <string>
#include <utility>

#include "src/base/result.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// Hands out the one connection to the TPM, made when it is first needed.
class TpmConnection {
 public:
  explicit TpmConnection(std::string device) : device_(std::move(device)) {}

  /// The connection, or why there is none. Asking again does not try again.
  Result<Tpm*> Get();

  /// Ends the connection; the next Get makes a new one. ESYS sends nothing any more over one on
  /// which it has met an answer that is malformed or not authentic.
  void HangUp() { tpm_.reset(); }

  /// Whether there has been a TPM at any time.
  [[nodiscard]] bool FoundTpm() const { return found_tpm_; }

 private:
  std::string device_;
  bool found_tpm_ = false;
  std::optional<Result<Tpm>> tpm_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_CONNECTION_H_
