// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_SEAL_KEK_FOR_CHANGE_H_
#define NVUNLOCK_SEAL_KEK_FOR_CHANGE_H_

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/model/key_file.h"
#include "src/seal/unseal.h"

namespace nvunlock {

/// Who may be asked when the TPM alone does not yield a kek.
struct Questions {
  PinQuestion pin;
  RecoveryQuestion recovery;
};

/// The kek of FILE, for who changes how it is sealed or what is approved: that in the keyring, or
/// what the TPM or a recovery slot yields.
Result<Secret> ObtainKekForChange(const Environment& environment, Tpm& tpm, const KeyFile& file,
                                  const Questions& questions);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_KEK_FOR_CHANGE_H_
