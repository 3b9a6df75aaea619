// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TPM_UPDATE_KEY_H_
#define NVUNLOCK_TPM_UPDATE_KEY_H_

#include <tss2/tss2_esys.h>

#include <utility>

#include "src/base/result.h"
#include "src/base/secret.h"
#include "src/crypto/hash.h"
#include "src/crypto/signing_key.h"
#include "tpm/tpm.h"

namespace nvunlock {

/// The key that writes a policy index: whoever holds it decides what may boot next.
class UpdateKey {
 public:
  static Result<UpdateKey> Generate();

  /// As SigningKey's.
  static Result<UpdateKey> Import(const Secret& exported);
  [[nodiscard]] Result<Secret> Export() const { return key_.Export(); }

  /// The policyDigest after TPM2_PolicySigned by this key with an empty policyRef (Part 3, 23.3).
  [[nodiscard]] Sha256Digest WritePolicy() const;

  /// A policy session salted to PARENT in which this key has signed, over the session's nonce, that
  /// the command with the hash COMMAND (cpHashA, Part 1, section 16.7) may be run. The nonce may be
  /// a liar's: whoever gets the signature can run that very command, and no other.
  [[nodiscard]] Result<TpmObject> Authorize(Tpm& tpm, ESYS_TR parent,
                                            const Sha256Digest& command) const;

 private:
  UpdateKey(SigningKey key, const TPM2B_PUBLIC& area) : key_(std::move(key)), area_(area) {}

  static Result<UpdateKey> Describe(SigningKey key);

  SigningKey key_;
  TPM2B_PUBLIC area_;  ///< the public half as a TPM knows it
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TPM_UPDATE_KEY_H_
