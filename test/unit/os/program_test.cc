// SPDX-License-Identifier: Apache-2.0
#include "src/os/program.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "src/base/unique_fd.h"
#include "test/unit/support/results.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

using testing::HasSubstr;

class ProgramTest : public testing::Test {
 protected:
  /// What SCRIPT says to standard output, in the end.
  [[nodiscard]] std::string Run(const std::string& script, Confinement confinement) const {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    UniqueFd output(ends[0]);
    {
      UniqueFd input(ends[1]);
      pid_t pid = Must(StartProgram({"sh", "-c", script}, {.output = input.get()}, confinement));
      exit_ = AwaitProgram(pid, "sh");
    }
    std::string text(4096, '\0');
    ssize_t size = read(output.get(), text.data(), text.size());
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return text;
  }

  TemporaryDirectory directory_;
  mutable Result<void> exit_;
};

TEST_F(ProgramTest, AnUnpackerGetsLittleMemoryTimeAndFiles) {
  EXPECT_EQ(Run("ulimit -v; ulimit -t; ulimit -f; ulimit -n", Confinement::kUnpacker),
            "524288\n300\n0\n16\n");
}

TEST_F(ProgramTest, AnUnpackerGetsNoPrivileges) {
  EXPECT_THAT(Run("cat /proc/self/status", Confinement::kUnpacker), HasSubstr("NoNewPrivs:\t1\n"));
}

TEST_F(ProgramTest, AnUnpackerIsNobodyWhereThereIsSuchAUser) {
  if (geteuid() != 0 || setresuid(-1, 65534, -1) != 0) GTEST_SKIP() << "not root, or none but it";
  ASSERT_EQ(setresuid(-1, 0, -1), 0);
  EXPECT_EQ(Run("id -u; id -g; id -G", Confinement::kUnpacker), "65534\n65534\n65534\n");
}

TEST_F(ProgramTest, AnUnpackerCannotWriteAFile) {
  std::string path = directory_.PathOf("written");
  (void)Run("echo text >" + path, Confinement::kUnpacker);
  EXPECT_FALSE(exit_);
  (void)Run("echo text >" + path, Confinement::kNone);
  EXPECT_TRUE(exit_);
}

TEST_F(ProgramTest, NoProgramGetsAFileOfOurs) {
  UniqueFd ours(open("/dev/null", O_RDWR));
  std::string number = std::to_string(ours.get());
  EXPECT_EQ(Run("[ -e /proc/self/fd/" + number + " ] || echo none", Confinement::kNone), "none\n");
}

TEST_F(ProgramTest, WhatCannotBeStartedIsAnError) {
  EXPECT_THAT(StartProgram({"/etc/passwd"}, {}), FailsWith(Errc::kFailed, "Permission denied"));
  EXPECT_THAT(StartProgram({"no-such-program"}, {}), FailsWith(Errc::kFailed, "install it"));
}

TEST_F(ProgramTest, OneThatDoesNotEndIsEnded) {
  pid_t pid = Must(StartProgram({"sleep", "1000"}, {}));
  EndProgram(pid, 1);
  EXPECT_THAT(AwaitProgram(pid, "sleep"), FailsWith(Errc::kFailed, "ended by signal 9"));
}

}  // namespace
}  // namespace nvunlock
