#include "src/os/process.h"

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

}  // namespace

void ProtectProcess() {
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
