// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/unlock/load_keys_recovery_test.cc, test/unit/unlock/load_keys_test.cc.
#ifndef NVUNLOCK_UNLOCK_OBTAIN_KEK_H_
#define NVUNLOCK_UNLOCK_OBTAIN_KEK_H_

#include <optional>

#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/unlock/load_keys.h"

namespace nvunlock {

/// Where LoadKeys looks for a kek.
struct KekSources {
  const KeyStore& store;
  TpmConnection& tpm;
  const LoadKeysOptions& options;
};

/// The kek NAME: the one that is PRESENT in the keyring, if it is that of the key file; else from
/// the TPM, from a recovery slot, or where the options allow it from ndctl's file in clear. LOADED
/// gets notes, and the keks that were recovered.
Result<Secret> ObtainKek(const KekSources& sources, const KekName& name,
                         const std::optional<Key>& present, LoadedKeys& loaded);

}  // namespace nvunlock

#endif  // NVUNLOCK_UNLOCK_OBTAIN_KEK_H_
