// SPDX-License-Identifier: Apache-2.0
#include "src/os/file_part.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "src/os/file.h"
#include "src/os/mounts.h"

namespace nvunlock {
namespace {

constexpr size_t kBufferSize = 256 << 10;

/// A file beside the one at PATH, that vanishes unless it takes its place. A boot loader that looks
/// for images does not find it: its name starts with a dot. One that an interrupted run has left is
/// overwritten.
class Replacement {
 public:
  explicit Replacement(const std::string& path) : target_(path) {
    std::string directory = DirectoryOf(path);
    path_ = directory + "/." + path.substr(path.rfind('/') + 1) + ".nvunlock";
  }
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;
  ~Replacement() { unlink(path_.c_str()); }

  Result<void> Create() {
    unlink(path_.c_str());
    fd_ = UniqueFd(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd_.valid()) return FailErrno(path_, errno);
    return {};
  }

  Result<void> Append(ByteView bytes) const {
    while (!bytes.empty()) {
      ssize_t count = write(fd_.get(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return FailErrno(path_, errno);
      bytes = bytes.subspan(static_cast<size_t>(count));
    }
    return {};
  }

  /// What is so already is not asked for: a FAT file system knows neither modes nor owners.
  [[nodiscard]] Result<void> TakeOver() const {
    struct stat old = {};
    struct stat own = {};
    if (stat(target_.c_str(), &old) != 0) return FailErrno(target_, errno);
    if (fstat(fd_.get(), &own) != 0) return FailErrno(path_, errno);
    bool is_anothers = old.st_uid != own.st_uid || old.st_gid != own.st_gid;
    if (is_anothers && fchown(fd_.get(), old.st_uid, old.st_gid) != 0) {
      return FailErrno(path_, errno);
    }
    bool has_other_mode = ((old.st_mode ^ own.st_mode) & 07777) != 0;
    if (has_other_mode && fchmod(fd_.get(), old.st_mode & 07777) != 0) {
      return FailErrno(path_, errno);
    }
    if (fsync(fd_.get()) != 0) return FailErrno(path_, errno);
    return RenameDurably(path_, target_);
  }

 private:
  std::string target_;
  std::string path_;
  UniqueFd fd_;
};

}  // namespace

Result<LargeFile> LargeFile::Open(const std::string& path) {
  LargeFile file;
  file.path_ = path;
  file.fd_ = UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.fd_.valid()) return FailErrno(path, errno);
  struct stat status = {};
  if (fstat(file.fd_.get(), &status) != 0) return FailErrno(path, errno);
  if (!S_ISREG(status.st_mode)) return Fail(path + ": not a regular file");
  file.size_ = static_cast<uint64_t>(status.st_size);
  file.version_ = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) + ":" +
                  std::to_string(status.st_size) + ":" + std::to_string(status.st_mtim.tv_sec) +
                  "." + std::to_string(status.st_mtim.tv_nsec);
  return file;
}

Result<size_t> LargeFile::ReadAt(uint64_t offset, std::span<uint8_t> buffer) const {
  for (;;) {
    ssize_t count = pread(fd_.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EINTR) return FailErrno(path_, errno);
  }
}

Result<Bytes> LargeFile::Part(uint64_t offset, uint64_t size) const {
  Bytes bytes(size);
  size_t filled = 0;
  while (filled < bytes.size()) {
    size_t count = TRY(ReadAt(offset + filled, std::span(bytes).subspan(filled)));
    if (count == 0) return Fail(path_ + ": truncated");
    filled += count;
  }
  return bytes;
}

Result<size_t> FilePart::Read(std::span<uint8_t> buffer) {
  uint64_t size = std::min<uint64_t>(buffer.size(), end_ - begin_);
  if (size == 0) return size_t{0};
  size_t count = TRY(file_.ReadAt(begin_, buffer.first(size)));
  if (count == 0) return Fail(file_.path() + ": shrank while it was read");
  begin_ += count;
  return count;
}

Result<void> ReplaceEnd(const std::string& path, const std::string& version, uint64_t size,
                        std::string_view tail) {
  LargeFile file = TRY(LargeFile::Open(path));
  if (file.version() != version) return Fail(path + ": somebody else has changed it");
  FilePart kept(file, 0, size);
  Replacement replacement(path);
  TRY(replacement.Create());
  Bytes buffer(kBufferSize);
  while (size_t count = TRY(kept.Read(buffer))) {
    TRY(replacement.Append(ByteView(buffer).first(count)));
  }
  TRY(replacement.Append(AsBytes(tail)));
  LargeFile now = TRY(LargeFile::Open(path));
  if (now.version() != version) return Fail(path + ": somebody else has changed it");
  TRY(replacement.TakeOver());
  // Until here the old file is open, and nothing else gets its blocks.
  return FlushFileSystem(DirectoryOf(path));
}

}  // namespace nvunlock
