// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/unlock/load_keys_test.cc, test/unit/seal/enroll_refusals_test.cc.
#ifndef NVUNLOCK_KEYS_CLEAR_KEK_H_
#define NVUNLOCK_KEYS_CLEAR_KEK_H_

#include <string>

#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/model/key_store.h"

namespace nvunlock {

/// The kek that ndctl loads, and our commands take when they are not told which:
/// user:nvdimm-master.
KekName NdctlKek();

/// What tells commands which kek: " --kek=user:NAME", or nothing for NdctlKek.
std::string OptionForKek(const KekName& name);

/// Whether STORE has no key file of the kek NAME, but ndctl's file that holds it in clear.
bool IsOnlyInClear(const KeyStore& store, const KekName& name);

/// Fails when the keys of NAME's description are those of a trusted kek: ndctl's tpm.handle, a
/// blob under it, or a file NAME.blob that holds the text of one. Says which.
Result<void> CheckNoTrustedKek(const KeyStore& store, const KekName& name);

/// The kek that ndctl keeps in clear.
Result<Secret> ReadClearKek(const KeyStore& store, const KekName& name);

}  // namespace nvunlock

#endif  // NVUNLOCK_KEYS_CLEAR_KEK_H_
