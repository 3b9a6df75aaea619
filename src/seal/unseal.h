// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_SEAL_UNSEAL_H_
#define NVUNLOCK_SEAL_UNSEAL_H_

#include <functional>
#include <string>

#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/model/key_file.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// Gets the PIN of KEK from somebody, with what went wrong before (empty at first) and how many
/// tries there are. Empty: nobody is asked, and slots with a PIN do not open.
using PinQuestion =
    std::function<Result<Secret>(const KekName& kek, const std::string& before, unsigned tries)>;

/// Gets what opens a recovery slot of KEK from somebody, where the TPM does not help, and says WHY.
/// Empty: nobody is asked.
using RecoveryQuestion = std::function<Result<Secret>(const KekName& kek, const Error& why)>;

/// The kek of FILE, unsealed through the first of its slots that opens; its check value holds.
/// When none opens, the first slot's failure; a policy mismatch names the PCRs that differ.
Result<Secret> UnsealKek(Tpm& tpm, const KeyFile& file, const PinQuestion& ask_pin = {});

/// The kek of FILE, unsealed through SLOT alone, which is one of its slots.
Result<Secret> UnsealKekThrough(Tpm& tpm, const KeyFile& file, const TpmSlot& slot,
                                const PinKeys* pin_keys = nullptr);

/// SIZE random bytes that are unpredictable when either the kernel's or the TPM's generator is.
Result<Secret> MakeRandomSecret(Tpm& tpm, ESYS_TR session, size_t size);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_UNSEAL_H_
