// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/tpm/bus_traffic_test.cc, test/unit/tpm/tpm_test.cc.
#ifndef NVUNLOCK_TPM_SESSION_H_
#define NVUNLOCK_TPM_SESSION_H_

#include <tss2/tss2_esys.h>

#include "src/base/result.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// A session of TYPE (HMAC, policy or trial) with SHA-256 and AES-128-CFB, which encrypts the
/// parameters that ATTRIBUTES say. Salted to PARENT, so that commands and answers under it are
/// authentic; with ESYS_TR_NONE it protects nothing.
Result<TpmObject> StartSession(Tpm& tpm, ESYS_TR parent, TPM2_SE type, TPMA_SESSION attributes);

/// A session salted to PARENT whose first parameters are encrypted both ways.
Result<TpmObject> StartHmacSession(Tpm& tpm, ESYS_TR parent);

/// A policy session salted to PARENT whose answers are encrypted.
Result<TpmObject> StartPolicySession(Tpm& tpm, ESYS_TR parent);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_SESSION_H_
