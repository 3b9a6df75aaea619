// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_TPM_SAMPLES_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_TPM_SAMPLES_H_

#include <tss2/tss2_tpm2_types.h>

#include "tpm/pcr.h"
#include "tpm/policy.h"
#include "tpm/sealed_object.h"

namespace nvunlock {

inline const PcrBank& Sha256Bank() {
  return *FindPcrBank("sha256");
}

/// The public area of a P-256 storage key; its point is the generator of the curve.
TPM2B_PUBLIC SampleParent();

/// The public and private areas of a sealed object that no TPM made.
SealedObject SampleSealedObject();

/// The policy that PCRs 7 and 11 hold values which no TPM has.
PcrPolicy SamplePcrPolicy();

/// What one branch with those PCRs approves.
Approval SampleApproval();

/// Indexes that no TPM has.
PolicyIndex SampleIndex();
NvLatch SampleLatch();
Policy SamplePolicy();

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_TPM_SAMPLES_H_
