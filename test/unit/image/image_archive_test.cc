// SPDX-License-Identifier: Apache-2.0
// Reading whole images: what Linux would unpack, from packed parts and unpacked ones.
#include "src/image/image_archive.h"

#include <gmock/gmock.h>

#include "test/unit/support/results.h"
#include "test/unit/support/sample_image.h"

namespace nvunlock {
namespace {

using testing::Eq;
using testing::HasSubstr;
using testing::Pointee;

bool HasTool(const std::string& tool) {
  return std::filesystem::exists("/usr/bin/" + tool) || std::filesystem::exists("/bin/" + tool);
}

std::string Archive(const std::string& name, const std::string& content) {
  SampleImage image;
  image.Put(name, content);
  return image.Archive();
}

CpioEntry Entry(const std::string& name, const std::string& content) {
  return {
      .name = name, .mode = S_IFREG | 0600, .data = std::make_shared<const std::string>(content)};
}

class ImageArchiveTest : public testing::Test {
 protected:
  [[nodiscard]] Result<ImageArchive> Read(const std::string& file) const {
    return ReadImageArchive(directory_.Write("image", file),
                            [](const std::string& name) { return name != "unwanted"; });
  }

  void ExpectRefused(const std::string& file, const std::string& words) const {
    Result<ImageArchive> image = Read(file);
    ASSERT_FALSE(image);
    EXPECT_THAT(image.error().message, HasSubstr(words));
  }

  /// What NAME is after all has been unpacked.
  [[nodiscard]] std::string TextIn(const std::string& file, const std::string& name) const {
    ImageArchive image = Must(Read(file));
    auto tree = UnpackedTree(image);
    auto found = tree.find(name);
    if (found == tree.end()) return "(none)";
    return found->second->data ? *found->second->data : "(not kept)";
  }

  TemporaryDirectory directory_;
};

TEST_F(ImageArchiveTest, AnUnpackedOneIsRead) {
  ImageArchive image = Must(Read(Archive("a", "1")));
  EXPECT_EQ(image.layers.size(), 1U);
  EXPECT_FALSE(image.compression);
  EXPECT_FALSE(image.is_uki);
}

class PackedImageTest : public ImageArchiveTest, public testing::WithParamInterface<const char*> {};

TEST_P(PackedImageTest, ItIsReadBehindMicrocodeAndUnderAPatch) {
  std::string command = GetParam();
  if (!HasTool(command.substr(0, command.find(' ')))) GTEST_SKIP() << "there is no " << command;
  std::string big(300000, 'x');
  std::string microcode = Archive("kernel/x86/microcode", "code") + std::string(512, '\0');
  std::string base = microcode + Packed(command, Archive("etc/a", "old") + Archive("etc/b", big));
  EXPECT_EQ(TextIn(base, "etc/a"), "old");
  EXPECT_EQ(TextIn(base, "kernel/x86/microcode"), "code");
  EXPECT_EQ(TextIn(base, "etc/b"), "(not kept)");

  std::string patched = base + FormatPatch(base.size(), {Entry("etc/a", "new")});
  EXPECT_EQ(patched.size() % 4, 0U);
  EXPECT_EQ(TextIn(patched, "etc/a"), "new");
  EXPECT_EQ(Must(Read(patched)).base_size, base.size());
  EXPECT_EQ(Must(Read(patched)).layers.size(), 3U);
}

TEST_P(PackedImageTest, ADamagedOneIsRefused) {
  std::string command = GetParam();
  if (!HasTool(command.substr(0, command.find(' ')))) GTEST_SKIP() << "there is no " << command;
  std::string packed = Packed(command, Archive("etc/a", std::string(5000, 'x')));
  EXPECT_FALSE(Read(packed.substr(0, packed.size() / 2)));
  EXPECT_FALSE(Read(packed.substr(0, 7)));
}

INSTANTIATE_TEST_SUITE_P(EveryKind, PackedImageTest,
                         testing::Values("gzip -c", "bzip2 -c", "xz -c --check=crc32", "lzma -c",
                                         "lzop -c", "lz4 -l -c", "zstd -q -c"));

TEST_F(ImageArchiveTest, TheOneInAUkiIsRead) {
  std::string uki = SampleUki(Packed("gzip -c", Archive("etc/a", "1")));
  EXPECT_EQ(TextIn(uki, "etc/a"), "1");
  EXPECT_TRUE(Must(Read(uki)).is_uki);
}

TEST_F(ImageArchiveTest, WhatIsNoImageIsRefused) {
  ExpectRefused("", "it is empty");
  ExpectRefused(std::string(4096, '\0'), "it is empty");
  ExpectRefused("some text", "its compression format is unknown");
  ExpectRefused(Packed("gzip -c", "some text"), "no cpio archive");
  ExpectRefused(Packed("gzip -c", ""), "no cpio archive");
  ExpectRefused(Archive("a", "1") + "junk", "its compression format is unknown");
  // Linux knows no other lz4 than the legacy one.
  ExpectRefused("\x04\x22\x4d\x18 and so on", "its compression format is unknown");
}

TEST_F(ImageArchiveTest, WhatHasSeveralNamesHasItsDataUnderEach) {
  SampleImage links;
  links.Put("etc/a", "");
  links.Put("etc/b", "data");
  std::string archive = links.Archive();
  size_t second = archive.find("070701", 1);
  for (size_t header : {size_t{0}, second}) {
    archive.replace(header + 6, 8, "00000007");          // the inode
    archive.replace(header + 6 + 4 * 8, 8, "00000002");  // and how many names it has
  }
  EXPECT_EQ(TextIn(archive, "etc/a"), "data");
}

TEST_F(ImageArchiveTest, ABootConfigurationAtTheEndIsNoPartOfIt) {
  std::string config = "kernel.quiet\n";
  std::string footer = InLittleEndian(config.size(), 4) + InLittleEndian(1, 4) + "#BOOTCONFIG\n";
  std::string file = Archive("etc/a", "1") + config + footer;
  EXPECT_EQ(TextIn(file, "etc/a"), "1");
  EXPECT_TRUE(Must(Read(file)).has_boot_config);
  ExpectRefused(Archive("etc/a", "1") + InLittleEndian(1000000, 4) + footer.substr(4), "damaged");
}

// A block of size 0 ends a legacy lz4 archive, and Linux takes a cpio archive at multiples of 4
// only.
TEST_F(ImageArchiveTest, APatchBeginsWithABlockOfSizeZeroAndIsAligned) {
  for (uint64_t size : {1000, 1001, 1002, 1003}) {
    std::string patch = FormatPatch(size, {});
    size_t start = patch.find_first_not_of('\0');
    EXPECT_GE(start, 4U);
    EXPECT_EQ((size + start) % 4, 0U);
    EXPECT_EQ(patch.substr(start, 6), "070701");
  }
}

// Under sanitizers.
TEST_F(ImageArchiveTest, NoFlippedByteDoesHarm) {
  std::string base = Archive("etc/a", "old");
  std::string patched = base + FormatPatch(base.size(), {Entry("etc/a", "new")});
  for (const std::string& file : {patched, SampleUki(base)}) {
    for (size_t i = 0; i < file.size(); i++) {
      for (char mask : {'\x01', '\xff'}) {
        std::string damaged = file;
        damaged[i] = static_cast<char>(damaged[i] ^ mask);
        Result<ImageArchive> image = Read(damaged);
        if (image) UnpackedTree(*image);
      }
    }
  }
}

// Else it would go when the patch is replaced.
TEST_F(ImageArchiveTest, WhatSomebodyHasAppendedAfterAPatchIsNoPartOfIt) {
  std::string extra = Archive("etc/b", "extra");
  std::string base = Archive("etc/a", "old");
  std::string file = base + FormatPatch(base.size(), {Entry("etc/a", "new")}) + extra;
  ImageArchive image = Must(Read(file));
  EXPECT_EQ(image.base_size, file.size());
  EXPECT_THAT(UnpackedTree(image).at("etc/b")->data, Pointee(Eq("extra")));
  std::string packed = Packed("gzip -c", base);
  EXPECT_FALSE(Read(packed + FormatPatch(packed.size(), {Entry("etc/a", "new")}) + extra));
}

// Its header asks for a dictionary of 3 GiB.
TEST_F(ImageArchiveTest, OneThatTakesGigabytesToUnpackIsRefused) {
  std::string packed = Packed("xz --format=lzma -c", Archive("a", "1"));
  ASSERT_TRUE(Read(packed));
  ExpectRefused(packed.replace(1, 4, std::string("\0\0\0\xc0", 4)), "xz failed");
}

// Under sanitizers, and in time.
TEST_F(ImageArchiveTest, ThousandsOfPatchesAreRefused) {
  std::string base = Archive("etc/a", "old");
  std::string file = base;
  for (int i = 0; i < 1000; i++) file += FormatPatch(file.size(), {});
  EXPECT_FALSE(Read(file));
}

// A patch counts only as such where FormatPatch puts it.
TEST_F(ImageArchiveTest, APatchThatHasBeenMovedIsNone) {
  std::string base = Packed("gzip -c", Archive("etc/a", "old"));
  std::string patch = FormatPatch(base.size(), {Entry("etc/a", "new")});
  std::string moved = base + std::string(4, '\0') + patch;
  EXPECT_FALSE(Read(moved));
  EXPECT_FALSE(Read(base + patch.substr(0, patch.size() - 4)));
}

}  // namespace
}  // namespace nvunlock
