// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_TOOLS_OTHER_PROCESS_H_
#define NVUNLOCK_TEST_TOOLS_OTHER_PROCESS_H_

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <string>

/// SIZE bytes of a traced process; fewer or none where it has no memory there.
inline std::string MemoryOf(pid_t pid, unsigned long address, size_t size) {
  std::string bytes(size, '\0');
  iovec local = {bytes.data(), size};
  iovec remote = {reinterpret_cast<void*>(address), size};
  ssize_t count = process_vm_readv(pid, &local, 1, &remote, 1, 0);
  // A read across the end of a mapping gives nothing: try as far as the page goes.
  size_t in_page = 4096 - address % 4096;
  if (count < 0 && size > in_page) return MemoryOf(pid, address, in_page);
  bytes.resize(count < 0 ? 0 : static_cast<size_t>(count));
  return bytes;
}

/// The string that ends with a zero.
inline std::string TextOf(pid_t pid, unsigned long address) {
  std::string bytes = MemoryOf(pid, address, PATH_MAX);
  return bytes.substr(0, std::min(bytes.find('\0'), bytes.size()));
}

inline std::string FdLinkOf(pid_t pid, unsigned long fd) {
  return "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(static_cast<int>(fd));
}

/// What the descriptor stands for; empty when it is none.
inline std::string FileOf(pid_t pid, unsigned long fd) {
  char target[PATH_MAX];
  ssize_t size = readlink(FdLinkOf(pid, fd).c_str(), target, sizeof target);
  return size < 0 ? "" : std::string(target, static_cast<size_t>(size));
}

/// The first 60 bytes, for people.
inline std::string Printable(const std::string& bytes) {
  std::string text = bytes.substr(0, 60);
  std::ranges::replace_if(
      text, [](char c) { return c < ' ' || c > '~'; }, ' ');
  return text;
}

#endif  // NVUNLOCK_TEST_TOOLS_OTHER_PROCESS_H_
