// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_MODEL_RECOVERY_H_
#define NVUNLOCK_MODEL_RECOVERY_H_

#include <string>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/result.h"
#include "src/base/secret.h"

namespace nvunlock {

enum class RecoveryKind {
  kKey,         ///< a generated key of 256 bits that somebody has on paper
  kPassphrase,  ///< what somebody has in their head
  kEscrow,      ///< the private key of a certificate, which is never at hand where we run
};

/// The word for KIND: "recovery-key", "recovery-passphrase", "escrow".
const char* ToWord(RecoveryKind kind);

/// One way to the kek without a TPM: the kek in a CMS message that openssl alone can open.
struct RecoverySlot {
  RecoveryKind kind = RecoveryKind::kKey;
  Bytes kek_cms;
  std::string issuer;  ///< of an escrow certificate
};

/// A new recovery key: 32 random bytes of the kernel.
Result<Secret> MakeRecoveryKey();

/// KEY for people, as systemd writes recovery keys: eight groups of eight modhex digits, joined by
/// '-'. These are found at the same place on most keyboards.
Result<Secret> FormatRecoveryKey(const Secret& key);

/// The key that people typed: '-' and white space do not count, nor does case. Fails with kUsage.
Result<Secret> ParseRecoveryKey(ByteView text);

Result<RecoverySlot> MakeKeySlot(const Secret& kek, const Secret& recovery_key);
Result<RecoverySlot> MakePassphraseSlot(const Secret& kek, const Secret& passphrase);
/// CERTIFICATE is PEM text with an RSA or EC key.
Result<RecoverySlot> MakeEscrowSlot(const Secret& kek, std::string_view certificate);

/// The slot in a CMS message. Fails with kBadKeyFile when it is none of ours.
Result<RecoverySlot> ReadRecoverySlot(const Bytes& cms);

/// What is in the slot when TYPED, as somebody typed it, opens it; for an escrow slot nothing does.
/// It may be wrong bytes: check them against the key file's check value.
Result<Secret> OpenRecoverySlot(const RecoverySlot& slot, const Secret& typed);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_RECOVERY_H_
