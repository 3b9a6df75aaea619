#ifndef NVUNLOCK_PROCEDURES_CLOSE_LATCHES_H_
#define NVUNLOCK_PROCEDURES_CLOSE_LATCHES_H_

#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/model/key_store.h"
#include "src/procedures/load_keys.h"

namespace nvunlock {

/// Closes the latch of every TPM slot in every key file of STORE, whether or not it was used. The
/// TPM is asked only when there is one. Returns what could not be closed, and why.
std::vector<Error> CloseLatches(const KeyStore& store, TpmConnection& tpm);

/// Those of the keys directory, and of what was sealed anew in this boot.
std::vector<Error> CloseAllLatches(const Environment& environment, TpmConnection& tpm);

}  // namespace nvunlock

#endif  // NVUNLOCK_PROCEDURES_CLOSE_LATCHES_H_
