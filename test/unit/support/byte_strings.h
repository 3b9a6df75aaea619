// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_BYTE_STRINGS_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_BYTE_STRINGS_H_

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/hex.h"
#include "src/base/secret.h"
#include "test/unit/support/results.h"

namespace nvunlock {

inline Bytes Hex(std::string_view digits) {
  return FromHex(digits).value();
}

inline Bytes Copy(ByteView bytes) {
  return {bytes.begin(), bytes.end()};
}

inline Bytes Concatenate(std::initializer_list<ByteView> parts) {
  Bytes all;
  for (ByteView part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

inline bool ContainsBytes(ByteView haystack, ByteView needle) {
  return std::search(haystack.begin(), haystack.end(), needle.begin(), needle.end()) !=
         haystack.end();
}

inline Secret SecretOf(ByteView bytes) {
  Secret secret = Must(Secret::Create(bytes.size()));
  std::copy(bytes.begin(), bytes.end(), secret.bytes().begin());
  return secret;
}

inline Secret SecretOf(std::string_view text) {
  return SecretOf(AsBytes(text));
}

/// A secret of SIZE bytes that differ from each other.
inline Secret SampleSecret(size_t size, uint8_t first = 1) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; i++) bytes[i] = static_cast<uint8_t>(first + i);
  return SecretOf(bytes);
}

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_BYTE_STRINGS_H_
