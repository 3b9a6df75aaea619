// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/signed.bats.
#ifndef NVUNLOCK_SEAL_SIGNED_PCRS_H_
#define NVUNLOCK_SEAL_SIGNED_PCRS_H_

#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/crypto/rsa_key.h"
#include "src/model/pcr_record.h"
#include "src/model/pcr_terms.h"
#include "tpm/signed_policy.h"

namespace nvunlock {

/// Whose signatures over which PCRs are approved.
struct SignedTerms {
  RsaKey key;
  PcrTerms pcrs = {.bank = nullptr, .pcrs = {{11, std::nullopt}}};  ///< without values
  std::string reference;                                            ///< policyRef

  /// A signature file to use instead of those in the usual places; it must fit this boot.
  std::string signature_file;
};

/// TERMS as a policy, and what an admin should know of it.
struct SignedPlan {
  SignedPolicy policy;
  std::vector<std::string> notes;
};

/// Makes a policy of TERMS in BANK, unless they name another one. The signatures in SIGNATURE_FILES
/// are tested against the PCR values of the unlock in RECORD, else the current ones; a
/// `signature_file` that does not fit them fails with kNoSignature. Notes when the booted system
/// matches as well.
Result<SignedPlan> PlanSignedPcrs(Tpm& tpm, const SignedTerms& terms, const PcrBank& bank,
                                  const std::vector<std::string>& signature_files,
                                  const std::optional<PcrRecord>& record);

/// The signatures in FILES, as far as these exist, for policies with one of KEYS. Adds what was
/// wrong with them to NOTES. Without a key no file is read.
PcrSignatures ReadPcrSignatures(const std::vector<std::string>& files,
                                const std::vector<RsaKey>& keys, std::vector<std::string>& notes);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_SIGNED_PCRS_H_
