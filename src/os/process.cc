#include "src/os/process.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <csignal>

namespace nvunlock {

void ProtectProcess() {
  signal(SIGPIPE, SIG_IGN);
  umask(077);
  const struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  // RLIMIT_CORE does not stop a core_pattern that pipes to a program; this does.
  prctl(PR_SET_DUMPABLE, 0);
  // Others than root have too small a limit for MCL_FUTURE: their next allocation would fail.
  if (geteuid() == 0) mlockall(MCL_CURRENT | MCL_FUTURE);
}

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = "";
  if (gethostname(name, sizeof(name) - 1) != 0) return "";
  return name;
}

}  // namespace nvunlock
