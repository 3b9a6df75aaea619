// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_SEAL_UNSEAL_H_
#define NVUNLOCK_SEAL_UNSEAL_H_

#include <functional>
#include <string>

#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/model/key_file.h"
#include "tpm/policy.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// Gets the PIN of KEK from somebody, with what went wrong before (empty at first) and how many
/// tries there are. Empty: nobody is asked, and slots with a PIN do not open.
using PinQuestion =
    std::function<Result<Secret>(const KekName& kek, const std::string& before, unsigned tries)>;

/// Gets what opens a recovery slot of KEK from somebody, where the TPM does not help, and says WHY.
/// Empty: nobody is asked.
using RecoveryQuestion = std::function<Result<Secret>(const KekName& kek, const Error& why)>;

/// A kek, and what approval it opened by.
struct OpenedKek {
  Secret kek;
  AssertedBranch by;
};

/// The kek of FILE, unsealed through the first of its slots that opens; its check value holds.
/// SIGNATURES may satisfy what is approved. When none opens, the first slot's failure.
Result<OpenedKek> UnsealKek(Tpm& tpm, const KeyFile& file, const PcrSignatures& signatures = {},
                            const PinQuestion& ask_pin = {});

/// The kek of FILE, unsealed through SLOT alone, which is one of its slots.
Result<OpenedKek> UnsealKekThrough(Tpm& tpm, const KeyFile& file, const TpmSlot& slot,
                                   const PcrSignatures& signatures = {},
                                   const PinKeys* pin_keys = nullptr);

/// SIZE random bytes that are unpredictable when either the kernel's or the TPM's generator is.
Result<Secret> MakeRandomSecret(Tpm& tpm, ESYS_TR session, size_t size);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_UNSEAL_H_
