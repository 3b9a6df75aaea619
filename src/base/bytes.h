// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_BASE_BYTES_H_
#define NVUNLOCK_BASE_BYTES_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace nvunlock {

/// Bytes that need no protection. What does is a Secret.
using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

/// NUMBER in SIZE bytes, the most significant first.
inline Bytes BigEndian(uint64_t number, size_t size) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; i++) bytes[size - 1 - i] = static_cast<uint8_t>(number >> 8 * i);
  return bytes;
}

inline ByteView AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline std::string_view AsText(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace nvunlock

#endif  // NVUNLOCK_BASE_BYTES_H_
