// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_IMAGE_CPIO_H_
#define NVUNLOCK_IMAGE_CPIO_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "src/base/byte_source.h"
#include "src/base/result.h"

namespace nvunlock {

/// Which names of an archive are one file. Archives of their own may use the same numbers.
using CpioLink = std::tuple<size_t, uint32_t, uint32_t, uint32_t>;

/// A file, directory or link in a cpio archive.
struct CpioEntry {
  std::string name;              ///< without "./" and "/" at its start
  uint32_t mode = 0;             ///< st_mode, with the type of the file
  uint64_t size = 0;             ///< bytes of content
  std::optional<CpioLink> link;  ///< of regular files with several names; one of them has the data
  std::shared_ptr<const std::string> data;  ///< the content, where it was wanted; names share it
};

/// Larger files are never kept.
inline constexpr uint64_t kCpioKeptFileLimit = 256 << 10;

/// Reads cpio archives ("newc", 070701 or 070702), one after the other and with zeros between them,
/// as Linux unpacks an initramfs. The input may be hostile.
class CpioReader {
 public:
  using Predicate = std::function<bool(const std::string& name)>;

  /// Keeps the data of files that WANTED wants, and of small ones with several names.
  CpioReader(ByteSource& source, Predicate wanted) : source_(source), wanted_(std::move(wanted)) {}

  /// The next entry; nullopt at the end of the source, and at a byte that no archive starts with.
  Result<std::optional<CpioEntry>> Next();

  /// How many bytes have been read. After the last entry: where what is no archive begins.
  [[nodiscard]] uint64_t offset() const { return offset_; }

  /// After the last entry: whether the source ended there.
  [[nodiscard]] bool AtEnd() const { return buffer_.empty(); }

  /// How many archives have ended.
  [[nodiscard]] size_t CountArchives() const { return archive_; }

 private:
  Result<void> FillBuffer();
  Result<bool> SkipZeros();
  Result<std::string> Take(uint64_t size);
  Result<void> Skip(uint64_t size);
  Result<void> SkipPadding();
  Result<void> Keep(uint64_t size);
  Result<CpioEntry> ReadEntry();

  ByteSource& source_;
  Predicate wanted_;
  std::vector<uint8_t> buffer_;
  size_t position_ = 0;  ///< in the buffer
  uint64_t offset_ = 0;
  uint64_t kept_ = 0;
  size_t archive_ = 0;
  bool in_archive_ = false;
};

/// The archive that holds ENTRIES, owned by root, with its trailer; its size is a multiple of 4.
std::string WriteCpio(const std::vector<CpioEntry>& entries);

}  // namespace nvunlock

#endif  // NVUNLOCK_IMAGE_CPIO_H_
