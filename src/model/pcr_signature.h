// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_MODEL_PCR_SIGNATURE_H_
#define NVUNLOCK_MODEL_PCR_SIGNATURE_H_

#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "tpm/pcr.h"
#include "tpm/signed_policy.h"

namespace nvunlock {

/// The name under which systemd-stub and systemd keep the signatures of a unified kernel image.
inline constexpr char kPcrSignatureFile[] = "tpm2-pcr-signature.json";

/// The public key that goes with them.
inline constexpr char kPcrPublicKeyFile[] = "tpm2-pcr-public-key.pem";

/// Largest such file that is read.
inline constexpr size_t kPcrSignatureLimit = 1 << 20;

/// Reads what systemd-measure(1) and ukify(1) write, as hostile input: for each bank a list of
/// objects with `pol` and `sig`; the PCRs are in the digest `pol`. Entries for banks or with
/// digests that we do not know are passed over.
Result<std::vector<PolicySignature>> ParsePcrSignatures(std::string_view json);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_PCR_SIGNATURE_H_
