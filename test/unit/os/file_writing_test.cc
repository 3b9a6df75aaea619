// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "src/base/unique_fd.h"
#include "src/os/file.h"
#include "test/unit/support/results.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

class DurableWriteTest : public testing::Test {
 protected:
  [[nodiscard]] mode_t ModeOf(const std::string& name) const {
    struct stat status = {};
    EXPECT_EQ(stat(directory_.PathOf(name).c_str(), &status), 0) << name;
    return status.st_mode & 07777;
  }

  [[nodiscard]] Result<void> Write(std::string_view content, IfPresent if_present,
                                   mode_t mode = 0600) const {
    return WriteFileDurably(directory_.PathOf("file"), content, mode, if_present);
  }

  TemporaryDirectory directory_;
};

TEST_F(DurableWriteTest, PutsTheFileInPlaceAndNothingElse) {
  ASSERT_THAT(Write("content", IfPresent::kFail), Succeeds());
  EXPECT_EQ(directory_.Read("file"), "content");
  EXPECT_EQ(directory_.CountIn(""), 1U);
}

TEST_F(DurableWriteTest, TheModeIsExactWhateverTheUmask) {
  for (mode_t mask : {0000, 0022, 0077}) {
    mode_t before = umask(mask);
    for (mode_t mode : {0600, 0644}) {
      EXPECT_THAT(Write("content", IfPresent::kReplace, mode), Succeeds());
      EXPECT_EQ(ModeOf("file"), mode);
    }
    umask(before);
  }
}

TEST_F(DurableWriteTest, ReplacesAFileWhole) {
  directory_.Write("file", "a much longer old content");
  ASSERT_THAT(Write("new", IfPresent::kReplace), Succeeds());
  EXPECT_EQ(directory_.Read("file"), "new");
}

/// Who has the old file open goes on reading the old file: it is never written into.
TEST_F(DurableWriteTest, NeverTouchesTheOldFile) {
  directory_.Write("file", "old");
  UniqueFd reader(open(directory_.PathOf("file").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_THAT(Write("new", IfPresent::kReplace), Succeeds());
  char seen[8] = {};
  EXPECT_EQ(read(reader.get(), seen, sizeof(seen)), 3);
  EXPECT_STREQ(seen, "old");
}

TEST_F(DurableWriteTest, AReaderNeverSeesHalfAFile) {
  const std::string contents[] = {std::string(60000, 'a'), std::string(60000, 'b')};
  ASSERT_THAT(Write(contents[0], IfPresent::kReplace), Succeeds());
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 0; i < 50; i++)
      EXPECT_THAT(Write(contents[i % 2], IfPresent::kReplace), Succeeds());
    done = true;
  });
  while (!done) {
    std::string seen = directory_.Read("file");
    EXPECT_TRUE(seen == contents[0] || seen == contents[1]);
  }
  writer.join();
}

TEST_F(DurableWriteTest, LeavesAnExistingFileAloneWhenToldTo) {
  directory_.Write("file", "old");
  EXPECT_THAT(Write("new", IfPresent::kFail), FailsWith(Errc::kFailed, "file: File exists"));
  EXPECT_EQ(directory_.Read("file"), "old");
  EXPECT_EQ(directory_.CountIn(""), 1U);
}

TEST_F(DurableWriteTest, AFailureLeavesNothingBehind) {
  std::filesystem::create_directory(directory_.PathOf("file"));
  EXPECT_THAT(Write("new", IfPresent::kReplace), FailsWith(Errc::kFailed));
  EXPECT_EQ(directory_.CountIn(""), 1U);
  EXPECT_THAT(WriteFileDurably(directory_.PathOf("missing/file"), "x", 0600, IfPresent::kReplace),
              FailsWith(Errc::kFailed, "No such file or directory"));
}

TEST_F(DurableWriteTest, ALinkIsReplacedAndNotFollowed) {
  directory_.Write("target", "old");
  directory_.Link("file", "target");
  ASSERT_THAT(Write("new", IfPresent::kReplace), Succeeds());
  EXPECT_EQ(directory_.Read("target"), "old");
  EXPECT_EQ(directory_.Read("file"), "new");
}

using DurableRenameTest = DurableWriteTest;

TEST_F(DurableRenameTest, TakesThePlaceOfTheOther) {
  std::string from = directory_.Write("staged", "new");
  std::string to = directory_.Write("current", "old");
  EXPECT_THAT(RenameDurably(from, to), Succeeds());
  EXPECT_EQ(directory_.Read("current"), "new");
  EXPECT_EQ(directory_.CountIn(""), 1U);
}

TEST_F(DurableRenameTest, WithoutAFileTheOtherStays) {
  std::string to = directory_.Write("current", "old");
  EXPECT_THAT(RenameDurably(directory_.PathOf("staged"), to),
              FailsWith(Errc::kFailed, "staged: No such file or directory"));
  EXPECT_EQ(directory_.Read("current"), "old");
}

using DurableRemovalTest = DurableWriteTest;

TEST_F(DurableRemovalTest, RemovesAFileOnce) {
  std::string path = directory_.Write("file", "x");
  EXPECT_THAT(RemoveDurably(path), Succeeds());
  EXPECT_EQ(directory_.CountIn(""), 0U);
  EXPECT_THAT(RemoveDurably(path), Succeeds());
}

TEST_F(DurableRemovalTest, ADirectoryIsNone) {
  std::filesystem::create_directory(directory_.PathOf("directory"));
  EXPECT_THAT(RemoveDurably(directory_.PathOf("directory")),
              FailsWith(Errc::kFailed, "remove " + directory_.PathOf("directory")));
  EXPECT_TRUE(directory_.Holds("directory"));
}

using MakeDirectoriesTest = DurableWriteTest;

TEST_F(MakeDirectoriesTest, MakesWhatLeadsThereWithTheMode) {
  mode_t before = umask(0);
  EXPECT_THAT(MakeDirectories(directory_.PathOf("a/b/c"), 0750), Succeeds());
  umask(before);
  EXPECT_EQ(ModeOf("a"), 0750U);
  EXPECT_EQ(ModeOf("a/b/c"), 0750U);
}

TEST_F(MakeDirectoriesTest, LeavesWhatIsThereAlone) {
  std::filesystem::create_directory(directory_.PathOf("a"));
  chmod(directory_.PathOf("a").c_str(), 0711);
  EXPECT_THAT(MakeDirectories(directory_.PathOf("a/b"), 0700), Succeeds());
  EXPECT_THAT(MakeDirectories(directory_.PathOf("a/b"), 0700), Succeeds());
  EXPECT_EQ(ModeOf("a"), 0711U);
}

TEST_F(MakeDirectoriesTest, FailsWhereAFileIsInTheWay) {
  directory_.Write("file", "x");
  EXPECT_THAT(MakeDirectories(directory_.PathOf("file/below"), 0700),
              FailsWith(Errc::kFailed, "Not a directory"));
  EXPECT_THAT(MakeDirectories(directory_.PathOf("file"), 0700), FailsWith(Errc::kFailed));
}

using TemporaryFilesTest = DurableWriteTest;

TEST_F(TemporaryFilesTest, WhatAKilledWriterHasLeftGoesAndNothingElse) {
  for (const char* name : {"a.tmp.123", "a", "a.tmp.", "a.tmp.12x", "a.tmp"}) {
    directory_.Write(name, "x");
  }
  EXPECT_THAT(RemoveTemporaryFiles(directory_.path()), Succeeds());
  EXPECT_FALSE(directory_.Holds("a.tmp.123"));
  for (const char* name : {"a", "a.tmp.", "a.tmp.12x", "a.tmp"}) {
    EXPECT_TRUE(directory_.Holds(name)) << name;
  }
}

}  // namespace
}  // namespace nvunlock
