// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_OS_FILE_PART_H_
#define NVUNLOCK_OS_FILE_PART_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/byte_source.h"
#include "src/base/result.h"
#include "src/base/unique_fd.h"

namespace nvunlock {

/// A large file that is read in parts.
class LargeFile {
 public:
  static Result<LargeFile> Open(const std::string& path);

  /// Tells this content from what the file has when it was changed or replaced.
  [[nodiscard]] const std::string& version() const { return version_; }

  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] const std::string& path() const { return path_; }

  /// As many bytes from OFFSET on as there are, at most those of BUFFER.
  Result<size_t> ReadAt(uint64_t offset, std::span<uint8_t> buffer) const;

  /// SIZE bytes from OFFSET on; it fails when there are fewer.
  [[nodiscard]] Result<Bytes> Part(uint64_t offset, uint64_t size) const;

 private:
  std::string path_;
  UniqueFd fd_;
  uint64_t size_ = 0;
  std::string version_;
};

/// The bytes of FILE, which must outlive it, from BEGIN to END.
class FilePart : public ByteSource {
 public:
  FilePart(const LargeFile& file, uint64_t begin, uint64_t end)
      : file_(file), begin_(begin), end_(end) {}

  Result<size_t> Read(std::span<uint8_t> buffer) override;

 private:
  const LargeFile& file_;
  uint64_t begin_;
  uint64_t end_;
};

/// The first SIZE bytes of the file at PATH, and TAIL after them, take its place, so that a reader,
/// also one after a power cut that does not replay the journal, sees the old file or the whole new
/// one. Mode and owner stay. When it fails, for want of space or because the file is not of VERSION
/// any more, the file stays as it is; when only the flush fails, it is the new one.
Result<void> ReplaceEnd(const std::string& path, const std::string& version, uint64_t size,
                        std::string_view tail);

}  // namespace nvunlock

#endif  // NVUNLOCK_OS_FILE_PART_H_
