// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_BASE_BYTE_SOURCE_H_
#define NVUNLOCK_BASE_BYTE_SOURCE_H_

#include <algorithm>
#include <cstdint>
#include <span>

#include "src/base/bytes.h"
#include "src/base/result.h"

namespace nvunlock {

/// Bytes that come one after the other, from wherever.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// Fills the start of BUFFER, which is not empty, and returns how many bytes that were; 0 is the
  /// end.
  virtual Result<size_t> Read(std::span<uint8_t> buffer) = 0;
};

/// Those of a piece of memory, which must outlive it.
class MemorySource : public ByteSource {
 public:
  explicit MemorySource(ByteView bytes) : rest_(bytes) {}

  Result<size_t> Read(std::span<uint8_t> buffer) override {
    size_t count = std::min(buffer.size(), rest_.size());
    std::copy_n(rest_.begin(), count, buffer.begin());
    rest_ = rest_.subspan(count);
    return count;
  }

 private:
  ByteView rest_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_BASE_BYTE_SOURCE_H_
