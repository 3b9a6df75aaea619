// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_BASE_TEXT_H_
#define NVUNLOCK_BASE_TEXT_H_

#include <optional>
#include <string_view>
#include <vector>

namespace nvunlock {

/// TEXT cut at each SEPARATOR; empty parts are kept.
std::vector<std::string_view> Split(std::string_view text, char separator);

/// TEXT without white space at its ends.
std::string_view Trim(std::string_view text);

/// TEXT as a whole non-negative number in BASE 10, or 16 with an "0x" prefix allowed; nullopt for
/// anything else, overflow included.
std::optional<unsigned> ParseUnsigned(std::string_view text, int base = 10);

}  // namespace nvunlock

#endif  // NVUNLOCK_BASE_TEXT_H_
