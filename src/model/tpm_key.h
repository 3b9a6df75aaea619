// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_MODEL_TPM_KEY_H_
#define NVUNLOCK_MODEL_TPM_KEY_H_

#include <cstdint>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "tpm/policy.h"
#include "tpm/sealed_object.h"

namespace nvunlock {

/// A sealed object with its parent and policy: a TPMKey of the "ASN.1 Specification for TPM 2.0
/// Key Files" (draft-bottomley-tpm2-keys), type id-sealedkey.
struct TpmKey {
  uint32_t parent_handle = 0;
  SealedObject sealed;
  Policy policy;
};

/// DER of a TPMKey.
Result<Bytes> EncodeTpmKey(const TpmKey& key);

/// Fails with kBadKeyFile on anything but one whole TPMKey of this type with a policy that is
/// known here: an unknown policy command is refused, not guessed, and so is another order.
Result<TpmKey> DecodeTpmKey(ByteView der);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_TPM_KEY_H_
