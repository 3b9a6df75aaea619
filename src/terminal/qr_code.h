// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/recovery.bats.
#ifndef NVUNLOCK_TERMINAL_QR_CODE_H_
#define NVUNLOCK_TERMINAL_QR_CODE_H_

#include "src/base/result.h"
#include "src/base/secret.h"

namespace nvunlock {

/// The QR code (ISO/IEC 18004) of TEXT, at most 100 bytes, as lines of UTF-8 half blocks for a
/// terminal, white on black with a margin of four modules. As secret as the text.
Result<Secret> DrawQrCode(const Secret& text);

}  // namespace nvunlock

#endif  // NVUNLOCK_TERMINAL_QR_CODE_H_
