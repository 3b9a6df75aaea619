// SPDX-License-Identifier: Apache-2.0
// The initramfs image in a UKI, also in ones that were made to do harm.
#include "src/image/uki.h"

#include <gmock/gmock.h>

#include "test/unit/support/results.h"
#include "test/unit/support/sample_image.h"

namespace nvunlock {
namespace {

using testing::HasSubstr;

constexpr size_t kSecondSection = 0x80 + 24 + 16 + 40;

Result<FileRange> Find(const std::string& file, uint64_t size) {
  return FindInitrd(AsBytes(file), size);
}

void ExpectRefused(const std::string& file, uint64_t size, const std::string& words = "damaged") {
  Result<FileRange> found = Find(file, size);
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, HasSubstr(words));
}

std::string With(std::string file, size_t offset, const std::string& bytes) {
  return file.replace(offset, bytes.size(), bytes);
}

TEST(UkiTest, TheSectionIsFoundWithoutItsPadding) {
  std::string file = SampleUki("an image");
  FileRange range = Must(Find(file, file.size()));
  EXPECT_EQ(file.substr(range.begin, range.end - range.begin), "an image");
}

TEST(UkiTest, EveryCutIsNoticed) {
  std::string file = SampleUki("an image");
  for (size_t size = 0; size < kSecondSection + 40; size++) {
    EXPECT_FALSE(Find(file.substr(0, size), file.size())) << size;
  }
  ExpectRefused(file, 0x400 + 7);
}

TEST(UkiTest, OffsetsOutsideOfTheFileAreRefused) {
  std::string file = SampleUki("an image");
  for (const char* offset : {"\xff\xff\xff\xff", "\xff\xff\xff\x7f", "\xfc\xff\xff\xff"}) {
    ExpectRefused(With(file, 0x3c, offset), file.size());
    ExpectRefused(With(file, kSecondSection + 20, offset), file.size());
  }
  std::string many = With(file, 0x80 + 6, "\xff\xff");
  ExpectRefused(With(many, kSecondSection, ".other\0"), file.size());
  ExpectRefused(With(file, 0x80 + 20, "\xff\xff"), file.size());
}

TEST(UkiTest, OneWithoutAnImageIsRefused) {
  std::string file = SampleUki("an image");
  ExpectRefused(With(file, kSecondSection, ".cmdline"), file.size(), "no initramfs image");
  ExpectRefused(With(file, kSecondSection + 8, std::string(4, '\0')), file.size());
}

}  // namespace
}  // namespace nvunlock
