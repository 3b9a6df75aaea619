// SPDX-License-Identifier: Apache-2.0
#include "tpm/connection.h"

namespace nvunlock {

Result<Tpm*> TpmConnection::Get() {
  if (!tpm_) tpm_.emplace(Tpm::Connect(device_));
  found_tpm_ = found_tpm_ || *tpm_ || tpm_->error().code != Errc::kNoTpm;
  if (!*tpm_) return Failure(tpm_->error());
  return &**tpm_;
}

}  // namespace nvunlock
