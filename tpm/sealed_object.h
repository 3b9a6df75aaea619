// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_SEALED_OBJECT_H_
#define NVUNLOCK_TPM_SEALED_OBJECT_H_

#include <tss2/tss2_esys.h>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/base/secret.h"
#include "tpm/policy.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// A secret sealed under a parent key, as two marshalled structures that may lie on disk.
struct SealedObject {
  Bytes public_area;   ///< TPM2B_PUBLIC
  Bytes private_area;  ///< TPM2B_PRIVATE
};

/// Seals SECRET (at most 128 bytes) under PARENT. Only POLICY opens it, only in this TPM and under
/// this parent. With a PIN in POLICY, AUTH_VALUE (at most 32 bytes) is the authorization value, and
/// failures count towards dictionary attack lockout; without, neither.
Result<SealedObject> Seal(Tpm& tpm, ESYS_TR parent, const Secret& secret, const Policy& policy,
                          const Secret* auth_value = nullptr);

/// What Seal took, and by which approval it opened, as AssertPolicy says.
struct Unsealed {
  Secret secret;
  AssertedBranch by;
};

/// What POLICY needs besides the boot as it is.
struct PolicyNeeds {
  const PcrSignatures* signatures = nullptr;
  const Secret* auth_value = nullptr;
};

/// Opens SEALED. Fails as AssertPolicy does, with kWrongPin when the authorization value is not
/// that of the object, and with kWrongTpm when TPM and object do not belong together. Three TPM
/// commands and those of AssertPolicy, flushes not counted.
Result<Unsealed> Unseal(Tpm& tpm, ESYS_TR parent, const SealedObject& sealed, const Policy& policy,
                        const PolicyNeeds& needs = {});

/// Succeeds when the TPM takes SEALED for one of its own under PARENT. Nothing is unsealed.
Result<void> CheckLoads(Tpm& tpm, ESYS_TR parent, const SealedObject& sealed);

/// The policyDigest that SEALED wants.
Result<Bytes> AuthPolicyOf(const SealedObject& sealed);

/// Succeeds when SEALED opens neither with an empty password nor for a session that asserts no
/// policy: the proof that its policy is what keeps it closed.
Result<void> ProveClosedWithoutPolicy(Tpm& tpm, ESYS_TR parent, const SealedObject& sealed);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_SEALED_OBJECT_H_
