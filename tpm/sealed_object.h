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

/// A session salted to PARENT whose first parameters are encrypted (AES-128-CFB) both ways.
Result<TpmObject> StartHmacSession(Tpm& tpm, ESYS_TR parent);

/// Seals SECRET (at most 128 bytes) under PARENT. Only POLICY opens it, only in this TPM and under
/// this parent; failures do not count towards dictionary attack lockout.
Result<SealedObject> Seal(Tpm& tpm, ESYS_TR parent, const Secret& secret, const PcrPolicy& policy);

/// What Seal took. Fails with kPolicyMismatch when the PCRs differ and with kWrongTpm when TPM
/// and object do not belong together. Four TPM commands, flushes not counted.
Result<Secret> Unseal(Tpm& tpm, ESYS_TR parent, const SealedObject& sealed,
                      const PcrPolicy& policy);

/// Succeeds when SEALED opens neither with an empty password nor for a session that asserts no
/// policy: the proof that its policy is what keeps it closed.
Result<void> ProveClosedWithoutPolicy(Tpm& tpm, ESYS_TR parent, const SealedObject& sealed);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_SEALED_OBJECT_H_
