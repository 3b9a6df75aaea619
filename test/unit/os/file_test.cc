// SPDX-License-Identifier: Apache-2.0
#include "src/os/file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cerrno>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;

class FileTest : public testing::Test {
 protected:
  TemporaryDirectory directory_;
};

TEST_F(FileTest, ExistsFollowsLinks) {
  directory_.Write("file", "x");
  directory_.Link("good", "file");
  directory_.Link("dangling", "nowhere");
  EXPECT_TRUE(Exists(directory_.PathOf("file")));
  EXPECT_TRUE(Exists(directory_.PathOf("good")));
  EXPECT_FALSE(Exists(directory_.PathOf("dangling")));
  EXPECT_FALSE(Exists(directory_.PathOf("missing")));
}

TEST_F(FileTest, ReadsWholeFilesUpToTheLimit) {
  std::string content("with \0 inside\n", 14);
  std::string path = directory_.Write("file", content);
  EXPECT_THAT(ReadFile(path, 14), Yields(content));
  EXPECT_THAT(ReadFile(path, 100000), Yields(content));
  EXPECT_THAT(ReadFile(path, 13), FailsWith(Errc::kFailed, path + ": larger than 13 bytes"));
}

TEST_F(FileTest, ReadsThroughALinkToAFile) {
  directory_.Write("file", "content");
  directory_.Link("link", "file");
  EXPECT_THAT(ReadFile(directory_.PathOf("link"), 100), Yields(std::string("content")));
}

TEST_F(FileTest, RefusesWhatIsNotAFileWithContent) {
  ASSERT_EQ(mkfifo(directory_.PathOf("fifo").c_str(), 0600), 0);
  EXPECT_THAT(ReadFile(directory_.PathOf("fifo"), 100), FailsWith(Errc::kFailed, "not a regular"));
  EXPECT_THAT(ReadFile(directory_.path(), 100), FailsWith(Errc::kFailed, "not a regular"));
  EXPECT_THAT(ReadFile("/dev/zero", 100), FailsWith(Errc::kFailed, "not a regular"));
  EXPECT_THAT(ReadFile(directory_.Write("empty", ""), 100), FailsWith(Errc::kFailed, "empty"));
  EXPECT_THAT(ReadFile(directory_.PathOf("missing"), 100),
              FailsWith(Errc::kFailed, "missing: No such file or directory"));
}

TEST_F(FileTest, ReadsSecretsByTheSameRules) {
  std::string path = directory_.Write("secret", "secret");
  EXPECT_TRUE(Must(ReadSecretFile(path, 6)).Equals(SecretOf("secret")));
  EXPECT_THAT(ReadSecretFile(path, 5), FailsWith(Errc::kFailed, "larger"));
  EXPECT_THAT(ReadSecretFile(directory_.Write("empty", ""), 5), FailsWith(Errc::kFailed, "empty"));
  EXPECT_THAT(ReadSecretFile("/dev/zero", 5), FailsWith(Errc::kFailed, "not a regular"));
}

TEST_F(FileTest, AttributesComeWithoutTheNewline) {
  EXPECT_THAT(ReadAttribute(directory_.Write("a", "unlocked\n")), Yields(std::string("unlocked")));
  EXPECT_THAT(ReadAttribute(directory_.Write("b", "a b\nc\n")), Yields(std::string("a b\nc")));
  EXPECT_THAT(ReadAttribute(directory_.Write("c", "")), Yields(std::string()));
  EXPECT_THAT(ReadAttribute(directory_.PathOf("missing")), FailsWith(Errc::kFailed, "missing"));
}

TEST_F(FileTest, WritesAnAttributeThatIsThere) {
  std::string path = directory_.Write("attribute", "");
  EXPECT_THAT(WriteAttribute(path, "freeze"), Succeeds());
  EXPECT_EQ(directory_.Read("attribute"), "freeze");
}

TEST_F(FileTest, NeverMakesAnAttribute) {
  EXPECT_THAT(WriteAttribute(directory_.PathOf("missing"), "x"), FailsWith(Errc::kFailed));
  EXPECT_FALSE(directory_.Holds("missing"));
}

TEST_F(FileTest, ARefusedAttributeSaysWhatWasWritten) {
  EXPECT_THAT(WriteAttribute("/dev/full", "erase 0"),
              FailsWith(Errc::kFailed, "write \"erase 0\" to /dev/full: No space left on device"));
}

TEST_F(FileTest, TheErrorNumberOfARefusedAttributeIsTold) {
  EXPECT_EQ(TryWriteAttribute(directory_.Write("attribute", ""), "freeze"), 0);
  EXPECT_EQ(directory_.Read("attribute"), "freeze");
  EXPECT_EQ(TryWriteAttribute("/dev/full", "x"), ENOSPC);
  EXPECT_EQ(TryWriteAttribute("/proc/self/oom_score_adj", "x"), EINVAL);
  EXPECT_EQ(TryWriteAttribute(directory_.PathOf("missing"), "x"), ENOENT);
}

TEST_F(FileTest, OnlyARegularFileWithoutContentIsEmpty) {
  directory_.Link("link", "empty");
  EXPECT_TRUE(nvunlock::IsEmpty(directory_.Write("empty", "")));
  EXPECT_TRUE(nvunlock::IsEmpty(directory_.PathOf("link")));
  EXPECT_FALSE(nvunlock::IsEmpty(directory_.Write("file", "x")));
  EXPECT_FALSE(nvunlock::IsEmpty(directory_.PathOf("missing")));
  EXPECT_FALSE(nvunlock::IsEmpty("/dev/null"));
  EXPECT_FALSE(nvunlock::IsEmpty(directory_.path()));
}

TEST_F(FileTest, ListsNamesWithTheirNumbersInOrder) {
  for (const char* name : {"nmem10", "nmem9", "nmem1", "ndbus0", ".hidden"}) {
    directory_.Write(name, "");
  }
  EXPECT_THAT(Must(ListDirectory(directory_.path())),
              ElementsAre(".hidden", "ndbus0", "nmem1", "nmem9", "nmem10"));
}

TEST_F(FileTest, ListingWhatIsNotADirectoryFails) {
  EXPECT_THAT(ListDirectory(directory_.PathOf("missing")), FailsWith(Errc::kFailed, "missing"));
  EXPECT_THAT(ListDirectory(directory_.Write("file", "x")), FailsWith(Errc::kFailed, "file"));
}

}  // namespace
}  // namespace nvunlock
