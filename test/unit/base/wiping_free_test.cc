// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

extern "C" void __real_free(void* memory);

namespace nvunlock {
namespace {

constexpr size_t kSize = 4096;
/// The allocator keeps its own notes at the start of what is free.
constexpr size_t kAllocatorNotes = 64;

/// Looks at memory that is free already, which is why the sanitizer must not.
__attribute__((no_sanitize("address"))) bool HoldsSecretBytes(uintptr_t address) {
  const auto* bytes = reinterpret_cast<const volatile uint8_t*>(address);
  for (size_t i = kAllocatorNotes; i < kSize; i++) {
    if (bytes[i] == 0x5a) return true;
  }
  return false;
}

void* AllocateSecretBytes() {
  void* memory = malloc(kSize);
  memset(memory, 0x5a, kSize);
  return memory;
}

TEST(WipingFreeTest, FreedMemoryIsWiped) {
  void* memory = AllocateSecretBytes();
  auto address = reinterpret_cast<uintptr_t>(memory);
  free(memory);
  EXPECT_FALSE(HoldsSecretBytes(address));
}

TEST(WipingFreeTest, TheCLibraryAloneWouldLeaveIt) {
  void* memory = AllocateSecretBytes();
  auto address = reinterpret_cast<uintptr_t>(memory);
  __real_free(memory);
  EXPECT_TRUE(HoldsSecretBytes(address));
}

TEST(WipingFreeTest, GrowingMovesTheContentAndWipesTheOldPlace) {
  void* memory = AllocateSecretBytes();
  auto address = reinterpret_cast<uintptr_t>(memory);
  auto* moved = static_cast<uint8_t*>(realloc(memory, 16 * kSize));
  ASSERT_NE(reinterpret_cast<uintptr_t>(moved), address);
  EXPECT_EQ(moved[0], 0x5a);
  EXPECT_EQ(moved[kSize - 1], 0x5a);
  EXPECT_FALSE(HoldsSecretBytes(address));
  free(moved);
}

TEST(WipingFreeTest, ReallocKeepsItsContract) {
  auto* memory = static_cast<uint8_t*>(realloc(nullptr, 100));
  ASSERT_NE(memory, nullptr);
  memset(memory, 0x5a, 100);
  memory = static_cast<uint8_t*>(realloc(memory, 10));
  ASSERT_NE(memory, nullptr);
  EXPECT_EQ(memory[9], 0x5a);
  free(memory);
  free(nullptr);
}

}  // namespace
}  // namespace nvunlock
