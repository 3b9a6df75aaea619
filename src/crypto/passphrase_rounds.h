// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_CRYPTO_PASSPHRASE_ROUNDS_H_
#define NVUNLOCK_CRYPTO_PASSPHRASE_ROUNDS_H_

#include "src/base/bytes.h"
#include "src/base/result.h"

namespace nvunlock {

/// A hundred times what we make: about a minute.
inline constexpr long kMostPassphraseRounds = 100'000'000;

/// Fails with kBadKeyFile unless DER is a CMS EnvelopedData for one passphrase that is stretched by
/// PBKDF2 in at most kMostPassphraseRounds rounds. Somebody who changed the file could have a
/// machine count for hours otherwise.
Result<void> CheckPassphraseRounds(ByteView der);

}  // namespace nvunlock

#endif  // NVUNLOCK_CRYPTO_PASSPHRASE_ROUNDS_H_
