// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/enroll.bats, test/cli/recovery.bats, test/cli/signed.bats.
#ifndef NVUNLOCK_TERMINAL_ENROLL_OPTIONS_H_
#define NVUNLOCK_TERMINAL_ENROLL_OPTIONS_H_

#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/seal/kek_for_change.h"
#include "src/seal/plan_approval.h"
#include "src/seal/recovery_slots.h"
#include "src/terminal/options.h"

namespace nvunlock {

/// What may boot, as asked for.
struct PolicyRequest {
  std::optional<PcrTerms> pcrs;           ///< no terms: no literal PCRs
  std::optional<std::string> public_key;  ///< path; empty: no signed PCRs
  SignedTerms signed_terms;               ///< all but the key
  bool has_signed_terms = false;
  bool weak_policy = false;
  std::optional<unsigned> next_boots;  ///< resets of the TPM
};

/// --tpm2-pcrs, --tpm2-public-key and what goes with it, --weak-policy, --next-boot. REQUEST must
/// outlive them.
std::vector<Option> PolicyOptions(PolicyRequest& request);

/// Reads the public key. nullopt when none was asked for.
Result<std::optional<SignedTerms>> ReadSignedTerms(const PolicyRequest& request);

/// Asks for PINs and for what opens recovery slots at the terminal.
Questions QuestionsAtTerminal();

/// The terms of a new slot. The next boot is approved as well, unless signatures do that: the image
/// still has to get the key file.
Result<PolicyTerms> TermsOfNewSlot(const PolicyRequest& request);

/// --tpm2-signature for commands that unseal: the only file in which to look for PCR signatures.
Option SignatureFileOption(Environment& environment);

/// Which recovery slots were asked for, before anybody has typed anything.
struct RecoveryRequest {
  bool key = false;
  bool passphrase = false;
  bool none = false;  ///< --no-recovery
  std::vector<std::string> escrow;

  [[nodiscard]] bool IsEmpty() const { return !key && !passphrase && escrow.empty(); }
};

/// --recovery-key, --recovery-passphrase, --escrow. REQUEST must outlive them.
std::vector<Option> RecoveryOptions(RecoveryRequest& request);

/// Makes the key and asks for the passphrase, twice.
Result<RecoveryWays> Prepare(const RecoveryRequest& request);

/// Prints a new recovery key, the only time that it is seen; does nothing when there is none.
Result<void> PrintRecoveryKey(const RecoveryWays& ways);

}  // namespace nvunlock

#endif  // NVUNLOCK_TERMINAL_ENROLL_OPTIONS_H_
