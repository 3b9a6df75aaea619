// SPDX-License-Identifier: Apache-2.0
#include "src/os/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fts.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "src/base/text.h"
#include "src/base/unique_fd.h"

namespace nvunlock {
namespace {

/// Largest value of a sysfs attribute: one page.
constexpr size_t kAttributeLimit = 4096;

/// Before the process id, in names of files that are not in place yet.
constexpr std::string_view kTemporary = ".tmp.";

struct OpenedFile {
  UniqueFd fd;
  size_t size;
};

Result<OpenedFile> OpenRegularFile(const std::string& path, size_t limit) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return FailErrno(path, errno);
  struct stat status;
  if (fstat(fd.get(), &status) != 0) return FailErrno(path, errno);
  if (!S_ISREG(status.st_mode)) return Fail(path + ": not a regular file");
  if (status.st_size == 0) return Fail(path + ": empty");
  if (static_cast<size_t>(status.st_size) > limit) {
    return Fail(path + ": larger than " + std::to_string(limit) + " bytes");
  }
  return OpenedFile{std::move(fd), static_cast<size_t>(status.st_size)};
}

/// Fails when the file is not exactly as long as BUFFER, so a file that changes is noticed.
Result<void> ReadExactly(int fd, const std::string& path, std::span<uint8_t> buffer) {
  size_t filled = 0;
  while (filled < buffer.size()) {
    ssize_t count = read(fd, buffer.data() + filled, buffer.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FailErrno(path, errno);
    if (count == 0) return Fail(path + ": shrank while it was read");
    filled += static_cast<size_t>(count);
  }
  return {};
}

Result<void> WriteAll(int fd, const std::string& path, std::string_view content) {
  while (!content.empty()) {
    ssize_t count = write(fd, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FailErrno(path, errno);
    content.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

Result<void> SyncDirectory(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || fsync(fd.get()) != 0) return FailErrno(path, errno);
  return {};
}

/// A file under a temporary name that vanishes unless it is published.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string path) : path_(std::move(path)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { unlink(path_.c_str()); }

  Result<void> Write(std::string_view content, mode_t mode) const {
    UniqueFd fd(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!fd.valid()) return FailErrno(path_, errno);
    TRY(WriteAll(fd.get(), path_, content));
    if (fchmod(fd.get(), mode) != 0 || fsync(fd.get()) != 0) return FailErrno(path_, errno);
    return {};
  }

  Result<void> Publish(const std::string& path, IfPresent if_present) const {
    unsigned flags = if_present == IfPresent::kFail ? RENAME_NOREPLACE : 0;
    if (renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, path.c_str(), flags) != 0) {
      return FailErrno(path, errno);
    }
    return {};
  }

 private:
  std::string path_;
};

}  // namespace

std::string DirectoryOf(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<std::string> ResolvePath(const std::string& path) {
  std::unique_ptr<char, void (*)(void*)> resolved(realpath(path.c_str(), nullptr), free);
  if (resolved == nullptr) return FailErrno(path, errno);
  return std::string(resolved.get());
}

bool Exists(const std::string& path) {
  return access(path.c_str(), F_OK) == 0;
}

bool IsLink(const std::string& path) {
  struct stat info = {};
  return lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

bool IsDirectory(const std::string& path) {
  struct stat info = {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool IsEmpty(const std::string& path) {
  struct stat info = {};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_size == 0;
}

Result<std::string> ReadFile(const std::string& path, size_t limit) {
  OpenedFile file = TRY(OpenRegularFile(path, limit));
  std::string content(file.size, '\0');
  TRY(ReadExactly(file.fd.get(), path,
                  {reinterpret_cast<uint8_t*>(content.data()), content.size()}));
  return content;
}

Result<Secret> ReadSecretFile(const std::string& path, size_t limit) {
  OpenedFile file = TRY(OpenRegularFile(path, limit));
  Secret content = TRY(Secret::Create(file.size));
  TRY(ReadExactly(file.fd.get(), path, content.bytes()));
  return content;
}

Result<Bytes> ReadKernelFile(const std::string& path, size_t limit) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return FailErrno(path, errno);
  Bytes content;
  uint8_t buffer[4096];
  for (;;) {
    ssize_t count = read(fd.get(), buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FailErrno(path, errno);
    if (count == 0) return content;
    content.insert(content.end(), buffer, buffer + count);
    if (content.size() > limit) {
      return Fail(path + ": larger than " + std::to_string(limit) + " bytes");
    }
  }
}

Result<int64_t> ModificationTime(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) return FailErrno(path, errno);
  return static_cast<int64_t>(info.st_mtim.tv_sec);
}

Result<std::string> ReadAttribute(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return FailErrno(path, errno);
  std::string value(kAttributeLimit, '\0');
  ssize_t count = read(fd.get(), value.data(), value.size());
  if (count < 0) return FailErrno(path, errno);
  value.resize(static_cast<size_t>(count));
  while (!value.empty() && (value.back() == '\n' || value.back() == '\0')) value.pop_back();
  return value;
}

int TryWriteAttribute(const std::string& path, std::string_view text) {
  UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid() || write(fd.get(), text.data(), text.size()) < 0) return errno;
  return 0;
}

Result<void> WriteAttribute(const std::string& path, std::string_view text) {
  int error_number = TryWriteAttribute(path, text);
  if (error_number == 0) return {};
  return FailErrno("write \"" + std::string(text) + "\" to " + path, error_number);
}

Result<std::vector<std::string>> ListUnsorted(const std::string& path) {
  std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir);
  if (directory == nullptr) return FailErrno(path, errno);
  std::vector<std::string> names;
  while (const dirent* entry = readdir(directory.get())) {
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

Result<std::vector<std::string>> ListDirectory(const std::string& path) {
  std::vector<std::string> names = TRY(ListUnsorted(path));
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return strverscmp(a.c_str(), b.c_str()) < 0;
  });
  return names;
}

Result<std::vector<std::string>> FilesBelow(const std::string& path) {
  std::string root = path;
  char* const roots[] = {root.data(), nullptr};
  std::unique_ptr<FTS, int (*)(FTS*)> walk(
      fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, nullptr), fts_close);
  if (walk == nullptr) return FailErrno(path, errno);
  std::vector<std::string> files;
  while (const FTSENT* entry = fts_read(walk.get())) {
    if (entry->fts_info == FTS_F) files.emplace_back(entry->fts_path);
    if (entry->fts_errno != 0) return FailErrno(entry->fts_path, entry->fts_errno);
  }
  return files;
}

Result<void> MakeDirectories(const std::string& path, mode_t mode) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    std::string part = path.substr(0, slash);
    if (mkdir(part.c_str(), mode) == 0) {
      if (chmod(part.c_str(), mode) != 0) return FailErrno(part, errno);  // whatever the umask is
    } else if (errno != EEXIST) {
      return FailErrno(part, errno);
    } else if (!IsDirectory(part)) {
      return FailErrno(part, ENOTDIR);
    }
    if (slash == std::string::npos) return {};
  }
}

Result<void> WriteFileDurably(const std::string& path, std::string_view content, mode_t mode,
                              IfPresent if_present) {
  TemporaryFile file(path + std::string(kTemporary) + std::to_string(getpid()));
  TRY(file.Write(content, mode));
  TRY(file.Publish(path, if_present));
  return SyncDirectory(DirectoryOf(path));
}

Result<void> RemoveTemporaryFiles(const std::string& directory) {
  for (const std::string& name : TRY(ListDirectory(directory))) {
    size_t suffix = name.rfind(kTemporary);
    if (suffix == std::string::npos) continue;
    if (!ParseUnsigned(std::string_view(name).substr(suffix + kTemporary.size()))) continue;
    TRY(RemoveDurably(directory + "/" + name));
  }
  return {};
}

Result<void> RenameDurably(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) return FailErrno("rename " + from, errno);
  return SyncDirectory(DirectoryOf(to));
}

Result<void> RemoveDurably(const std::string& path) {
  if (unlink(path.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return FailErrno("remove " + path, errno);
  }
  return SyncDirectory(DirectoryOf(path));
}

}  // namespace nvunlock
