// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_SEALING_TPM_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_SEALING_TPM_H_

#include "test/unit/support/swtpm.h"
#include "test/unit/support/tpm_samples.h"
#include "tpm/sealed_object.h"
#include "tpm/srk.h"

namespace nvunlock {

/// A connection to a TPM together with its pinned storage root key.
struct SealingTpm {
  Tpm tpm;
  TPM2B_PUBLIC srk;
  ESYS_TR parent;

  explicit SealingTpm(const std::string& device)
      : tpm(Must(Tpm::Connect(device))),
        srk(Must(ProvisionSrk(tpm))),
        parent(Must(PinParent(tpm, kSrkHandle, srk))) {}

  /// The policy that the PCRs of MASK hold what they hold now.
  Policy PolicyOfNow(uint32_t mask = 1U << 7 | 1U << 8) {
    return {.pcrs = PolicyForValues(Sha256Bank(), Must(ReadPcrs(tpm, Sha256Bank(), mask))),
            .latch = std::nullopt};
  }

  SealedObject SealNow(const Secret& secret) {
    return Must(Seal(tpm, parent, secret, PolicyOfNow()));
  }
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_SEALING_TPM_H_
