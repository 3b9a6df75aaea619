// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/image/image_archive_test.cc.
#ifndef NVUNLOCK_OS_DECOMPRESS_H_
#define NVUNLOCK_OS_DECOMPRESS_H_

#include <sys/types.h>

#include <memory>
#include <optional>

#include "src/base/byte_source.h"
#include "src/base/result.h"
#include "src/base/unique_fd.h"

namespace nvunlock {

/// How an initramfs may be compressed, as far as Linux knows.
enum class Compression { kGzip, kBzip2, kLzma, kXz, kLzo, kLz4, kZstd };

const char* Describe(Compression compression);

/// By the first bytes, as lib/decompress.c of the kernel does it; nullopt for any others.
std::optional<Compression> CompressionOf(ByteView start);

/// What the host's decompressor makes of a source. Nothing goes to disk.
class Decompression : public ByteSource {
 public:
  /// COMPRESSED must outlive it.
  static Result<std::unique_ptr<Decompression>> Start(Compression compression,
                                                      ByteSource& compressed);

  Decompression(const Decompression&) = delete;
  Decompression& operator=(const Decompression&) = delete;
  ~Decompression() override;

  /// The end comes only when the program has taken all for good; else it fails.
  Result<size_t> Read(std::span<uint8_t> buffer) override;

 private:
  Decompression(std::string program, ByteSource& compressed)
      : program_(std::move(program)), compressed_(compressed) {}
  Result<void> Feed();
  Result<size_t> Finish();

  std::string program_;
  ByteSource& compressed_;
  Bytes waiting_;  ///< for the program to take it
  size_t taken_ = 0;
  UniqueFd to_program_;
  UniqueFd from_program_;
  std::optional<pid_t> pid_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_OS_DECOMPRESS_H_
