// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_BASE_HEX_H_
#define NVUNLOCK_BASE_HEX_H_

#include <optional>
#include <string>
#include <string_view>

#include "src/base/bytes.h"

namespace nvunlock {

/// Lower-case hexadecimal digits, two a byte.
std::string ToHex(ByteView bytes);

/// The bytes of an even number of hexadecimal digits of either case; nullopt for anything else.
std::optional<Bytes> FromHex(std::string_view digits);

}  // namespace nvunlock

#endif  // NVUNLOCK_BASE_HEX_H_
