// SPDX-License-Identifier: Apache-2.0
#include "src/os/process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <csignal>

namespace nvunlock {

namespace {

/// Whether there can be as much memory as we need with all of it locked. Root of a user namespace
/// has a limit, as others than root do, and behind it every allocation fails.
bool CanLockMuch() {
  constexpr size_t kMuch = size_t{256} << 20;
  void* memory =
      mmap(nullptr, kMuch, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  munmap(memory, kMuch);
  return true;
}

/// A file that is opened later must not become 0, 1 or 2, to which messages go. What takes their
/// place can be neither read nor written, so that lost output is noticed.
void OccupyStandardFiles() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) fd = open("/", O_PATH | O_CLOEXEC);
  if (fd >= 0) close(fd);
}

}  // namespace

void ProtectProcess() {
  OccupyStandardFiles();
  signal(SIGPIPE, SIG_IGN);
  umask(077);
  const struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  // RLIMIT_CORE does not stop a core_pattern that pipes to a program; this does.
  prctl(PR_SET_DUMPABLE, 0);
  if (mlockall(MCL_CURRENT | MCL_FUTURE) == 0 && !CanLockMuch()) munlockall();
}

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = "";
  if (gethostname(name, sizeof(name) - 1) != 0) return "";
  return name;
}

}  // namespace nvunlock
