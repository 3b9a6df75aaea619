// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/unlock/load_keys_failures_test.cc.
#ifndef NVUNLOCK_KEYS_LOAD_BLOB_H_
#define NVUNLOCK_KEYS_LOAD_BLOB_H_

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/dimm_id.h"
#include "src/model/enc32.h"
#include "src/os/keyring.h"

namespace nvunlock {

/// The encrypted key DESCRIPTION in KEYRING, from BLOB, whose kek must be in a keyring of this
/// process; the one that is there already if it is the same. It vanishes after EXPIRE_SECONDS (0:
/// never). Fails with kKeysIncomplete when another key has this description.
Result<Key> LoadOrReuse(const Keyring& keyring, const std::string& description,
                        const Enc32Blob& blob, unsigned expire_seconds);

/// The key of a DIMM, under each description by which kernels look for it. All or none.
Result<std::vector<Key>> LoadDimmKeys(const Keyring& keyring, const DimmId& dimm_id,
                                      const Enc32Blob& blob, unsigned expire_seconds);

/// Takes the keys out of every keyring.
void InvalidateAll(const std::vector<Key>& keys);

}  // namespace nvunlock

#endif  // NVUNLOCK_KEYS_LOAD_BLOB_H_
