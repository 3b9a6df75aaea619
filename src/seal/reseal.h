// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_SEAL_RESEAL_H_
#define NVUNLOCK_SEAL_RESEAL_H_

#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/model/environment.h"
#include "src/seal/recovery_slots.h"
#include "src/seal/tpm_slot.h"
#include "src/seal/unseal.h"

namespace nvunlock {

struct ResealOptions {
  KekName kek;
  std::optional<PcrTerms> pcrs;  ///< nullopt: those of the slot before, with their values now
  bool keep_signed_pcrs = true;  ///< as in the slot before; else `signed_pcrs`
  std::optional<SignedTerms> signed_pcrs;
  std::string signature_file;  ///< as SignedTerms has it, for the signed PCRs that are kept
  bool weak_policy = false;
  std::optional<LatchChoice> latch;  ///< nullopt: as before
  std::optional<Secret> pin;
  RecoveryWays recovery;  ///< slots to add
  RecoveryQuestion ask_recovery;
  PinQuestion ask_pin;  ///< the PIN of the slot before
};

struct ResealReport {
  std::string key_file;
  std::string policy;
  LatchChoice latch;
  Proof proof = Proof::kNotNow;
  std::vector<std::string> notes;
};

/// Replaces the TPM slots of a key file by one under a new policy, for the same kek: that in the
/// keyring, or what the TPM or a recovery slot yields. The old slots are there until the new one
/// has been proved and is on disk. Recovery slots stay, and new ones are added. Locks the keys
/// directory.
Result<ResealReport> Reseal(const Environment& environment, const ResealOptions& options);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_RESEAL_H_
