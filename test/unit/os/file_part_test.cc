// SPDX-License-Identifier: Apache-2.0
// Replacing the end of a file: all or nothing.
#include "src/os/file_part.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "test/unit/support/results.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

using testing::HasSubstr;

class ReplaceEndTest : public testing::Test {
 protected:
  Result<void> Replace(uint64_t size, std::string_view tail) {
    return ReplaceEnd(path_, Must(LargeFile::Open(path_)).version(), size, tail);
  }
  [[nodiscard]] std::string Content() const { return directory_.Read("file"); }

  TemporaryDirectory directory_;
  std::string path_ = directory_.Write("file", "begin, end");
};

TEST_F(ReplaceEndTest, TheEndIsReplaced) {
  Must(Replace(5, " and more"));
  EXPECT_EQ(Content(), "begin and more");
}

TEST_F(ReplaceEndTest, OneThatWasChangedMeanwhileIsLeftAlone) {
  std::string version = Must(LargeFile::Open(path_)).version();
  directory_.Write("other", "begin, endx");
  std::filesystem::rename(directory_.PathOf("other"), path_);
  Result<void> replaced = ReplaceEnd(path_, version, 5, "");
  ASSERT_FALSE(replaced);
  EXPECT_THAT(replaced.error().message, HasSubstr("somebody else"));
  EXPECT_EQ(Content(), "begin, endx");
}

TEST_F(ReplaceEndTest, ALinkToTheOldFileKeepsTheOldContent) {
  std::filesystem::create_hard_link(path_, directory_.PathOf("link"));
  Must(Replace(5, "!"));
  EXPECT_EQ(directory_.Read("link"), "begin, end");
}

/// Files cannot grow beyond SIZE bytes in it.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t size) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    struct rlimit limit = {size, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  struct rlimit before_ = {};
};

TEST_F(ReplaceEndTest, WithoutSpaceNothingIsLost) {
  Result<void> replaced;
  {
    FileSizeLimit limit(8);
    replaced = Replace(5, "a long tail");
  }
  ASSERT_FALSE(replaced);
  EXPECT_THAT(replaced.error().message, HasSubstr("File too large"));
  EXPECT_EQ(Content(), "begin, end");
  EXPECT_EQ(directory_.CountIn("."), 1U);
}

}  // namespace
}  // namespace nvunlock
