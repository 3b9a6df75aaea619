// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_BASE_SECRET_H_
#define NVUNLOCK_BASE_SECRET_H_

#include <cstddef>
#include <span>

#include "src/base/bytes.h"
#include "src/base/result.h"

namespace nvunlock {

/// How the memory of a Secret is kept from the rest of the system.
enum class MemoryProtection {
  kSecretMemory,  ///< memfd_secret(2): not even root's /proc/PID/mem shows it
  kLockedMemory,  ///< locked and left out of core dumps: the fallback of kernels without the former
};

/// Bytes that nobody else may see: move-only, in pages of their own, wiped at the end.
/// It is neither copied nor printed nor turned into a std::string; use bytes().
class Secret {
 public:
  /// SIZE zero bytes (1 to 64 KiB); fails when no memory can be locked.
  static Result<Secret> Create(size_t size);

  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  [[nodiscard]] std::span<uint8_t> bytes() { return {data_, size_}; }
  [[nodiscard]] ByteView bytes() const { return {data_, size_}; }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] MemoryProtection protection() const { return protection_; }

  /// Keeps the first SIZE bytes and wipes the rest.
  void Shrink(size_t size);

  /// True when both hold the same bytes; takes the same time wherever they differ.
  [[nodiscard]] bool Equals(const Secret& other) const;

 private:
  Secret(uint8_t* data, size_t size, size_t mapped, MemoryProtection protection)
      : data_(data), size_(size), mapped_(mapped), protection_(protection) {}

  uint8_t* data_;
  size_t size_;
  size_t mapped_;
  MemoryProtection protection_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_BASE_SECRET_H_
