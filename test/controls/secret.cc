// SPDX-License-Identifier: Apache-2.0
// A control: stands in for src/base/secret.cc in build/nvunlock-unprotected. Secrets lie on the
// heap, and nobody wipes them.
#include "src/base/secret.h"

#include <cstdlib>
#include <cstring>
#include <utility>

namespace nvunlock {

Result<Secret> Secret::Create(size_t size) {
  auto* data = static_cast<uint8_t*>(calloc(1, size));
  return Secret(data, size, size, MemoryProtection::kLockedMemory);
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(other.size_),
      mapped_(other.mapped_),
      protection_(other.protection_) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Secret::~Secret() {
  free(data_);
}

void Secret::Shrink(size_t size) {
  size_ = size;
}

bool Secret::Equals(const Secret& other) const {
  return size_ == other.size_ && memcmp(data_, other.data_, size_) == 0;
}

}  // namespace nvunlock
