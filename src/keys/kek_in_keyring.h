// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/passphrase/rotate_kek_test.cc.
#ifndef NVUNLOCK_KEYS_KEK_IN_KEYRING_H_
#define NVUNLOCK_KEYS_KEK_IN_KEYRING_H_

#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/model/key_store.h"
#include "src/os/keyring.h"

namespace nvunlock {

/// The kek as KEYRING holds it; only one of type user can be read. Fails with kKeysIncomplete and
/// says how to load it.
Result<Secret> ReadKek(const Keyring& keyring, const KekName& name);

/// The failure where the keyring holds another kek of this name than PLACE, either of which may be
/// the only copy.
Failure AnotherInKeyring(const KekName& name, const std::string& place);

/// Fails unless KEYRING holds the kek and STORE has the same one, in its key file or as ndctl's in
/// clear: a passphrase under another could not be had after the next power cut.
Result<void> RequireKek(const Keyring& keyring, const KeyStore& store, const KekName& name);

}  // namespace nvunlock

#endif  // NVUNLOCK_KEYS_KEK_IN_KEYRING_H_
