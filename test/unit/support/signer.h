// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_SIGNER_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_SIGNER_H_

#include <string>

#include "src/crypto/rsa_key.h"
#include "test/unit/support/temporary_directory.h"
#include "tpm/pcr.h"
#include "tpm/signed_policy.h"

namespace nvunlock {

/// Whoever builds kernel images and signs what PCR 11 will be, with openssl's command.
class Signer {
 public:
  Signer();

  [[nodiscard]] std::string key_path() const { return directory_.PathOf("key"); }
  [[nodiscard]] std::string public_path() const { return directory_.PathOf("key.pem"); }
  [[nodiscard]] const RsaKey& key() const { return key_; }

  /// The policy that this key has signed the PCRs of MASK (sha256), without any signature.
  [[nodiscard]] SignedPolicy PolicyOn(uint32_t mask, const std::string& reference = "") const;

  /// A signature for VALUES.
  [[nodiscard]] PolicySignature Sign(const PcrValues& values,
                                     const std::string& reference = "") const;

  /// The entry of a signature file for VALUES, and a file of entries.
  [[nodiscard]] std::string EntryFor(const PcrValues& values,
                                     const std::string& reference = "") const;
  [[nodiscard]] static std::string FileOf(std::initializer_list<std::string> entries);

 private:
  TemporaryDirectory directory_;
  RsaKey key_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_SIGNER_H_
