// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_IMAGE_UKI_H_
#define NVUNLOCK_IMAGE_UKI_H_

#include <cstdint>
#include <optional>

#include "src/base/bytes.h"
#include "src/base/result.h"

namespace nvunlock {

/// Where in a file something is.
struct FileRange {
  uint64_t begin = 0;
  uint64_t end = 0;
};

/// How many bytes at the start of a file hold all that FindInitrd looks at, in any sane one.
inline constexpr size_t kPeHeadSize = 64 << 10;

/// Whether a file that begins with START is a program for UEFI, as UKIs are.
bool IsPe(ByteView start);

/// The initramfs image (section .initrd) in a UKI of FILE_SIZE bytes that begins with HEAD, at most
/// kPeHeadSize bytes. Fails when it has none, or is damaged; the input may be hostile.
Result<FileRange> FindInitrd(ByteView head, uint64_t file_size);

}  // namespace nvunlock

#endif  // NVUNLOCK_IMAGE_UKI_H_
