// SPDX-License-Identifier: Apache-2.0
#include "src/base/secret.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "src/base/unique_fd.h"

namespace nvunlock {
namespace {

constexpr size_t kLargestSecret = 64 << 10;

size_t RoundUpToPage(size_t size) {
  size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return (size + page - 1) / page * page;
}

/// nullptr where the kernel has no secret memory (before 6.5 it needs secretmem.enable=1).
void* MapSecretMemory(size_t size) {
  UniqueFd fd(static_cast<int>(syscall(SYS_memfd_secret, O_CLOEXEC)));
  if (!fd.valid() || ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return nullptr;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

void* MapLockedMemory(size_t size) {
  void* memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

Result<Secret> Secret::Create(size_t size) {
  if (size == 0 || size > kLargestSecret) return Fail("a secret of an impossible size");
  size_t mapped = RoundUpToPage(size);
  auto protection = MemoryProtection::kSecretMemory;
  void* memory = MapSecretMemory(mapped);
  if (memory == nullptr) {
    protection = MemoryProtection::kLockedMemory;
    memory = MapLockedMemory(mapped);
  }
  if (memory == nullptr) return FailErrno("lock memory for a secret", errno);
  madvise(memory, mapped, MADV_DONTDUMP);
  // A forked child would share secret memory.
  madvise(memory, mapped, MADV_DONTFORK);
  return Secret(static_cast<uint8_t*>(memory), size, mapped, protection);
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapped_(std::exchange(other.mapped_, 0)),
      protection_(other.protection_) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(mapped_, other.mapped_);
  std::swap(protection_, other.protection_);
  return *this;
}

Secret::~Secret() {
  if (data_ == nullptr) return;
  explicit_bzero(data_, mapped_);
  munmap(data_, mapped_);
}

void Secret::Shrink(size_t size) {
  if (size >= size_) return;
  explicit_bzero(data_ + size, size_ - size);
  size_ = size;
}

bool Secret::Equals(const Secret& other) const {
  if (size_ != other.size_) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < size_; i++) difference |= data_[i] ^ other.data_[i];
  return difference == 0;
}

}  // namespace nvunlock
