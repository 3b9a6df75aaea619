// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_BASE_ENDIAN_READER_H_
#define NVUNLOCK_BASE_ENDIAN_READER_H_

#include <bit>

#include "src/base/bytes.h"

namespace nvunlock {

/// Reads numbers of one byte order from the front of hostile bytes; remembers whether one was cut
/// short.
template <std::endian kOrder>
class EndianReader {
 public:
  explicit EndianReader(ByteView bytes) : rest_(bytes) {}

  /// The next SIZE bytes, at most four, as a number.
  uint32_t Number(size_t size) {
    ByteView bytes = Take(size);
    uint32_t number = 0;
    for (size_t i = 0; i < bytes.size(); i++) {
      size_t next = kOrder == std::endian::big ? i : bytes.size() - 1 - i;
      number = number << 8 | bytes[next];
    }
    return number;
  }

  ByteView Take(size_t size) {
    if (size > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    ByteView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

  void SkipSized() { Take(Number(2)); }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] size_t remaining() const { return rest_.size(); }

 private:
  ByteView rest_;
  bool ok_ = true;
};

using BigEndianReader = EndianReader<std::endian::big>;
using LittleEndianReader = EndianReader<std::endian::little>;

}  // namespace nvunlock

#endif  // NVUNLOCK_BASE_ENDIAN_READER_H_
