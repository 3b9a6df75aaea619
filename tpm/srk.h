// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_SRK_H_
#define NVUNLOCK_TPM_SRK_H_

#include <tss2/tss2_esys.h>

#include <string>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// Where everybody expects the storage root key (TCG TPM v2.0 Provisioning Guidance).
inline constexpr TPM2_HANDLE kSrkHandle = 0x81000001;

/// The Name of an object (Part 1, section 16): a hash over everything in its public area.
/// Empty when the name algorithm is not SHA-256.
Bytes NameOf(const TPM2B_PUBLIC& object);

Bytes MarshalPublic(const TPM2B_PUBLIC& object);
/// Fails with kBadKeyFile unless BYTES are exactly one TPM2B_PUBLIC.
Result<TPM2B_PUBLIC> UnmarshalPublic(ByteView bytes);

/// The public area of the SRK at kSrkHandle, which is made and persisted when there is none
/// (ECC P-256, or RSA-2048 where the TPM lacks that). The primary is recreated from the standard
/// templates and must have the same Name: a key that was imported to that place is refused with
/// kWrongTpm, since whoever imported it would know its private part.
Result<TPM2B_PUBLIC> ProvisionSrk(Tpm& tpm);

/// Fails with kWrongTpm unless the TPM holds this very key at HANDLE.
Result<void> CheckParent(Tpm& tpm, TPM2_HANDLE handle, const TPM2B_PUBLIC& parent);

/// An ESYS handle for the persistent key at HANDLE that is taken to have this public area; the
/// TPM is not asked. Sessions salted to it fail to verify when the TPM holds another key.
/// Belongs to the connection.
Result<ESYS_TR> PinParent(Tpm& tpm, TPM2_HANDLE handle, const TPM2B_PUBLIC& parent);

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_SRK_H_
