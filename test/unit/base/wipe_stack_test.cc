// SPDX-License-Identifier: Apache-2.0
#include "src/base/wipe_stack.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace nvunlock {
namespace {

constexpr size_t kLeftSize = 4096;
/// The topmost of them lie where WipeStack has its own frame, which the sanitizers make larger.
constexpr size_t kBelowItsFrame = kLeftSize - 512;

/// Leaves secret bytes on the stack, as a library function would, and says where.
__attribute__((noinline)) uintptr_t LeaveSecretBytes() {
  volatile uint8_t bytes[kLeftSize];
  for (volatile uint8_t& byte : bytes) byte = 0x5a;
  return reinterpret_cast<uintptr_t>(bytes);
}

/// How many of them are left. It is part of its caller: a frame of its own would lie over them.
__attribute__((always_inline)) inline size_t CountSecretBytes(uintptr_t address) {
  const auto* bytes = reinterpret_cast<const volatile uint8_t*>(address);
  size_t count = 0;
  for (size_t i = 0; i < kBelowItsFrame; i++) count += bytes[i] == 0x5a ? 1 : 0;
  return count;
}

TEST(WipeStackTest, WhatAFunctionHasLeftIsWiped) {
  uintptr_t address = LeaveSecretBytes();
  WipeStack();
  size_t count = CountSecretBytes(address);
  EXPECT_EQ(count, 0);
}

TEST(WipeStackTest, TheEndOfAScopeWipesIt) {
  uintptr_t address = 0;
  {
    StackWiper wiper;
    address = LeaveSecretBytes();
  }
  size_t count = CountSecretBytes(address);
  EXPECT_EQ(count, 0);
}

TEST(WipeStackTest, ByItselfItWouldStay) {
  uintptr_t address = LeaveSecretBytes();
  size_t count = CountSecretBytes(address);
  EXPECT_EQ(count, kBelowItsFrame);
}

}  // namespace
}  // namespace nvunlock
