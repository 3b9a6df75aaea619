// SPDX-License-Identifier: Apache-2.0
#include "src/base/wiped.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <new>

namespace nvunlock {
namespace {

struct Sample {
  uint8_t bytes[64];
};

bool IsZero(const uint8_t (&memory)[sizeof(Wiped<Sample>)]) {
  return std::all_of(std::begin(memory), std::end(memory), [](uint8_t byte) { return byte == 0; });
}

TEST(WipedTest, IsZeroAtFirstAndAgainAtTheEnd) {
  alignas(Wiped<Sample>) uint8_t memory[sizeof(Wiped<Sample>)];
  std::fill(std::begin(memory), std::end(memory), 0xaa);
  auto* wiped = new (memory) Wiped<Sample>();
  EXPECT_TRUE(IsZero(memory));
  std::fill(std::begin((*wiped)->bytes), std::end((*wiped)->bytes), 0x55);
  EXPECT_FALSE(IsZero(memory));
  wiped->~Wiped();
  EXPECT_TRUE(IsZero(memory));
}

}  // namespace
}  // namespace nvunlock
