// SPDX-License-Identifier: Apache-2.0
#include "src/os/process.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "test/unit/support/commands.h"

namespace nvunlock {
namespace {

using testing::ExitedWithCode;

bool IsProtected() {
  rlimit core = {1, 1};
  getrlimit(RLIMIT_CORE, &core);
  mode_t mask = umask(0);
  umask(mask);
  return core.rlim_max == 0 && prctl(PR_GET_DUMPABLE) == 0 && mask == 077;
}

/// In a process of its own: there is no way back. (The sanitizers leave mlockall(2) out.)
TEST(ProtectProcessTest, NothingIsDumpedAndFilesAreForTheirOwner) {
  auto check = [] {
    ProtectProcess();
    _exit(IsProtected() ? 0 : 1);
  };
  EXPECT_FALSE(IsProtected());
  EXPECT_EXIT(check(), ExitedWithCode(0), "");
}

TEST(HostNameTest, IsWholeAsNdctlSeesIt) {
  EXPECT_EQ(HostName() + "\n", RunCommand("uname -n"));
}

}  // namespace
}  // namespace nvunlock
