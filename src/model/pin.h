// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_MODEL_PIN_H_
#define NVUNLOCK_MODEL_PIN_H_

#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/crypto/scrypt.h"

namespace nvunlock {

/// What a PIN is turned into. A TPM that gives away everything in it still lacks the second.
struct PinKeys {
  Secret auth_value;  ///< what the TPM wants to see
  Secret wrapping;    ///< part of the key that wraps the kek
};

/// Parameters with a new random salt.
Result<ScryptParameters> MakeScryptParameters();

/// Takes the time and the memory that PARAMETERS say.
Result<PinKeys> DerivePinKeys(const Secret& pin, const ScryptParameters& parameters);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_PIN_H_
