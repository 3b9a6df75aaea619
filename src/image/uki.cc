// SPDX-License-Identifier: Apache-2.0
#include "src/image/uki.h"

#include <algorithm>

namespace nvunlock {
namespace {

// Offsets as in Microsoft's PE format.
constexpr size_t kPeOffsetAt = 0x3c;
constexpr size_t kSectionCountAt = 6;
constexpr size_t kOptionalSizeAt = 20;
constexpr size_t kHeadersSize = 24;
constexpr size_t kSectionSize = 40;
constexpr size_t kVirtualSizeAt = 8;
constexpr size_t kRawSizeAt = 16;
constexpr size_t kRawOffsetAt = 20;

constexpr std::string_view kInitrd = {".initrd\0", 8};

Failure Damaged() {
  return Fail("the UKI is damaged");
}

Result<uint32_t> Number(ByteView bytes, size_t offset, size_t size) {
  if (offset > bytes.size() || bytes.size() - offset < size) return Damaged();
  uint32_t number = 0;
  for (size_t i = 0; i < size; i++) number |= static_cast<uint32_t>(bytes[offset + i]) << 8 * i;
  return number;
}

/// The content is what fits into both sizes: the one in the file is rounded up, the one in memory
/// may be larger.
Result<FileRange> ContentOf(ByteView section, uint64_t file_size) {
  uint64_t size =
      std::min(TRY(Number(section, kVirtualSizeAt, 4)), TRY(Number(section, kRawSizeAt, 4)));
  uint64_t begin = TRY(Number(section, kRawOffsetAt, 4));
  if (size == 0 || begin + size > file_size) return Damaged();
  return FileRange{begin, begin + size};
}

}  // namespace

bool IsPe(ByteView start) {
  return AsText(start).starts_with("MZ");
}

Result<FileRange> FindInitrd(ByteView head, uint64_t file_size) {
  size_t pe = TRY(Number(head, kPeOffsetAt, 4));
  if (!IsPe(head) || pe > head.size() ||
      !AsText(head.subspan(pe)).starts_with(std::string_view("PE\0\0", 4))) {
    return Damaged();
  }
  size_t count = TRY(Number(head, pe + kSectionCountAt, 2));
  size_t sections = pe + kHeadersSize + TRY(Number(head, pe + kOptionalSizeAt, 2));
  for (size_t i = 0; i < count; i++) {
    size_t offset = sections + i * kSectionSize;
    if (offset > head.size() || head.size() - offset < kSectionSize) return Damaged();
    ByteView section = head.subspan(offset, kSectionSize);
    if (AsText(section).starts_with(kInitrd)) return ContentOf(section, file_size);
  }
  return Fail("it contains no initramfs image");
}

}  // namespace nvunlock
