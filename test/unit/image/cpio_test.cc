// SPDX-License-Identifier: Apache-2.0
// Reading cpio archives, also ones that were made to do harm; and writing them.
#include "src/image/cpio.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "test/unit/support/results.h"

namespace nvunlock {
namespace {

using testing::Eq;
using testing::HasSubstr;
using testing::Pointee;

constexpr size_t kNameAt = 110;

CpioEntry File(const std::string& name, const std::string& data) {
  return {.name = name,
          .mode = S_IFREG | 0600,
          .size = data.size(),
          .data = std::make_shared<const std::string>(data)};
}

struct Read {
  std::vector<CpioEntry> entries;
  uint64_t end = 0;
};

Result<Read> ReadAll(const std::string& archive) {
  MemorySource source(AsBytes(archive));
  CpioReader reader(source, [](const std::string& name) { return name != "unwanted"; });
  Read read;
  while (auto entry = TRY(reader.Next())) read.entries.push_back(std::move(*entry));
  read.end = reader.offset();
  return read;
}

void ExpectRefused(const std::string& archive, const std::string& words) {
  Result<Read> read = ReadAll(archive);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr(words));
}

/// ARCHIVE, whose first header has DIGITS in its FIELD.
std::string WithField(std::string archive, size_t field, const std::string& digits) {
  return archive.replace(6 + 8 * field, digits.size(), digits);
}

constexpr size_t kSizeField = 6;
constexpr size_t kNameSizeField = 11;

TEST(CpioTest, WhatIsWrittenIsRead) {
  std::string archive = WriteCpio({{.name = "etc", .mode = S_IFDIR | 0755},
                                   File("etc/a", "text"),
                                   File("odd", "12345"),
                                   File("empty", "")});
  EXPECT_EQ(archive.size() % 4, 0U);
  Read read = Must(ReadAll(archive));
  ASSERT_EQ(read.entries.size(), 4U);
  EXPECT_EQ(read.entries[0].name, "etc");
  EXPECT_EQ(read.entries[0].mode, S_IFDIR | 0755U);
  EXPECT_EQ(read.entries[1].mode, S_IFREG | 0600U);
  EXPECT_THAT(read.entries[1].data, Pointee(Eq("text")));
  EXPECT_THAT(read.entries[2].data, Pointee(Eq("12345")));
  EXPECT_THAT(read.entries[3].data, Pointee(Eq("")));
  EXPECT_EQ(read.end, archive.size());
}

TEST(CpioTest, ArchivesFollowEachOtherWithZerosBetween) {
  std::string first = WriteCpio({File("a", "1")});
  Read read = Must(ReadAll(first + std::string(8, '\0') + WriteCpio({File("b", "2")})));
  ASSERT_EQ(read.entries.size(), 2U);
  EXPECT_EQ(read.entries[1].name, "b");
}

TEST(CpioTest, ItEndsAtWhatIsNoArchive) {
  std::string archive = WriteCpio({File("a", "1")}) + std::string(4, '\0');
  EXPECT_EQ(Must(ReadAll(archive + "\x1f\x8b")).end, archive.size());
}

TEST(CpioTest, AnArchiveAtAnOddPlaceIsNone) {
  std::string first = WriteCpio({File("a", "1")}) + '\0';
  Read read = Must(ReadAll(first + WriteCpio({File("b", "2")})));
  EXPECT_EQ(read.entries.size(), 1U);
  EXPECT_EQ(read.end, first.size());
}

TEST(CpioTest, DataThatIsNotWantedIsNotKept) {
  Read read = Must(ReadAll(WriteCpio({File("unwanted", "data"), File("a", "1")})));
  EXPECT_EQ(read.entries[0].data, nullptr);
  EXPECT_EQ(read.entries[0].size, 4U);
  EXPECT_THAT(read.entries[1].data, Pointee(Eq("1")));
}

TEST(CpioTest, NamesMayStartWithADotOrASlash) {
  Read read = Must(ReadAll(WriteCpio({File("./etc/a", ""), File("//b", ""), File(".", "")})));
  EXPECT_EQ(read.entries[0].name, "etc/a");
  EXPECT_EQ(read.entries[1].name, "b");
}

TEST(CpioTest, NamesOfOneFileAreRecognized) {
  std::string archive = WithField(WriteCpio({File("unwanted", "data")}), 4, "00000002");
  Read read = Must(ReadAll(archive));
  ASSERT_TRUE(read.entries[0].link);
  EXPECT_THAT(read.entries[0].data, Pointee(Eq("data")));
}

TEST(CpioTest, EveryCutIsNoticed) {
  std::string archive = WriteCpio({File("etc/a", "some text"), File("b", "2")});
  for (size_t size = 1; size < archive.size(); size++) {
    Result<Read> read = ReadAll(archive.substr(0, size));
    EXPECT_FALSE(read) << size;
  }
}

TEST(CpioTest, BadHexadecimalIsRefused) {
  std::string archive = WriteCpio({File("a", "1")});
  for (const char* digits : {"0000000g", "-0000001", "0x000001", "       1", "+0000001"}) {
    ExpectRefused(WithField(archive, kSizeField, digits), "damaged");
  }
}

TEST(CpioTest, AnotherMagicIsRefused) {
  ExpectRefused("070707" + WriteCpio({File("a", "1")}).substr(6), "not a cpio archive");
}

TEST(CpioTest, HugeSizesAreRefusedWithoutTakingMemory) {
  std::string archive = WriteCpio({File("a", "1")});
  ExpectRefused(WithField(archive, kSizeField, "ffffffff"), "truncated");
  ExpectRefused(WithField(archive, kSizeField, "00010000"), "truncated");
  ExpectRefused(WithField(archive, kNameSizeField, "ffffffff"), "too long");
  ExpectRefused(WithField(archive, kNameSizeField, "00000000"), "too long");
}

TEST(CpioTest, ManyFilesThatAreWantedAreRefused) {
  std::string one = WriteCpio({File("a", std::string(kCpioKeptFileLimit, 'x'))});
  std::string many;
  for (int i = 0; i < 150; i++) many += one;
  ExpectRefused(many, "too many");
}

TEST(CpioTest, ManyLongNamesAreRefused) {
  std::string one = WriteCpio({File(std::string(4000, 'x'), "")});
  std::string many;
  for (int i = 0; i < 9000; i++) many += one;
  ExpectRefused(many, "too many");
}

TEST(CpioTest, NamesEndWithTheirOnlyNul) {
  std::string archive = WriteCpio({File("abc", "1")});
  archive[kNameAt + 3] = 'd';
  ExpectRefused(archive, "wrong length");
  archive[kNameAt + 3] = '\0';
  archive[kNameAt + 1] = '\0';
  ExpectRefused(archive, "wrong length");
}

}  // namespace
}  // namespace nvunlock
