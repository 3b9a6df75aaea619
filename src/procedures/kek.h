#ifndef NVUNLOCK_PROCEDURES_KEK_H_
#define NVUNLOCK_PROCEDURES_KEK_H_

#include <string>

#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/model/key_file.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// The kek of FILE, unsealed through the first of its slots that opens; its check value holds.
/// When none opens, the first slot's failure; a policy mismatch names the PCRs that differ.
Result<Secret> UnsealKek(Tpm& tpm, const KeyFile& file);

/// SIZE random bytes that are unpredictable when either the kernel's or the TPM's generator is.
Result<Secret> MakeRandomSecret(Tpm& tpm, ESYS_TR session, size_t size);

}  // namespace nvunlock

#endif  // NVUNLOCK_PROCEDURES_KEK_H_
