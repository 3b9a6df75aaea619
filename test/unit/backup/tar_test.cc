// SPDX-License-Identifier: Apache-2.0
#include "src/backup/tar.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/commands.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

constexpr int64_t kTime = 1700000000;
constexpr size_t kBlock = 512;
constexpr size_t kSizeAt = 124;
constexpr size_t kChecksumAt = 148;
constexpr size_t kTypeAt = 156;
constexpr size_t kPrefixAt = 345;

const std::vector<TarFile> kFiles = {{"a", std::string(512, 'b')},
                                     {"empty", ""},
                                     {std::string(100, 'n'), "just fits"},
                                     {std::string(101, 'o'), "does not"},
                                     {std::string(204, 'p'), std::string(700, 'x')}};

/// An archive of the file "name" in whose header somebody put TEXT at OFFSET, and the checksum
/// right.
Bytes Forged(size_t offset, std::string_view text) {
  Bytes tar = PackTar({{"name", "text"}}, kTime);
  std::copy(text.begin(), text.end(), tar.begin() + static_cast<ptrdiff_t>(offset));
  std::fill_n(tar.begin() + kChecksumAt, 8, ' ');
  unsigned sum = 0;
  for (size_t i = 0; i < kBlock; i++) sum += tar[i];
  snprintf(reinterpret_cast<char*>(&tar[kChecksumAt]), 8, "%07o", sum);
  return tar;
}

TEST(TarTest, TarUnpacksItAndWhatTarMakesIsUnderstood) {
  Bytes tar = PackTar(kFiles, kTime);
  EXPECT_EQ(Must(UnpackTar(tar)), kFiles);
  TemporaryDirectory directory;
  directory.Write("a.tar", AsText(tar));
  RunCommand("cd " + directory.path() + "; mkdir x; cd x; tar -xf ../a.tar; tar -cf ../b.tar *");
  EXPECT_EQ(Must(UnpackTar(AsBytes(directory.Read("b.tar")))), kFiles);
  EXPECT_EQ(RunCommand("stat -c '%a %Y' " + directory.PathOf("x/a")), "600 1700000000\n");
}

TEST(TarTest, NamesThatAreNotPlainAreRefused) {
  using namespace std::string_view_literals;
  for (std::string_view name :
       {"/etc\0"sv, "a/b\0"sv, "../x\0"sv, "..\0"sv, ".\0"sv, "a b\0"sv, "a\033[2J\0"sv}) {
    EXPECT_THAT(UnpackTar(Forged(0, name)), FailsWith(Errc::kFailed, "invalid name")) << name;
  }
  EXPECT_THAT(UnpackTar(PackTar({{std::string(256, 'a'), ""}}, kTime)),
              FailsWith(Errc::kFailed, "invalid name"));
}

TEST(TarTest, LongNamesAreLookedAtAsWell) {
  Bytes tar = PackTar({{std::string(101, 'l'), ""}}, kTime);
  tar[kBlock + 50] = '/';
  EXPECT_THAT(UnpackTar(tar), FailsWith(Errc::kFailed, "invalid name"));
}

TEST(TarTest, WhatIsNotARegularFileIsRefused) {
  for (const char* type : {"1", "2", "3", "4", "5", "6", "7", "g", "x", "K", "S"}) {
    EXPECT_THAT(UnpackTar(Forged(kTypeAt, type)), FailsWith(Errc::kFailed, "not a regular file"));
  }
  EXPECT_THAT(UnpackTar(Forged(kPrefixAt, "/etc")), FailsWith(Errc::kFailed, "in a directory"));
  EXPECT_THAT(UnpackTar(Forged(kTypeAt, "0")), Succeeds());
}

TEST(TarTest, ImpossibleSizesAreRefused) {
  for (std::string_view size :
       {"77777777777", "00000200001", "0000000000x", "-0000000001", "\x80\0\0\0\0\0\0\0\0\0\1"}) {
    EXPECT_THAT(UnpackTar(Forged(kSizeAt, size)), FailsWith(Errc::kFailed, "impossible size"));
  }
  EXPECT_THAT(UnpackTar(Forged(kSizeAt, "00000200000")), FailsWith(Errc::kFailed, "truncated"));
}

TEST(TarTest, AFileTwiceIsRefused) {
  EXPECT_THAT(UnpackTar(PackTar({{"name", ""}, {"name", ""}}, kTime)),
              FailsWith(Errc::kFailed, "name occurs in it twice"));
}

TEST(TarTest, WhatIsCutShortOrGoesOnIsRefused) {
  Bytes tar = PackTar(kFiles, kTime);
  for (size_t size = 0; size < tar.size(); size += 128) {
    EXPECT_FALSE(UnpackTar(ByteView(tar).first(size))) << size;
  }
  tar.resize(tar.size() + kBlock);
  EXPECT_THAT(UnpackTar(tar), Succeeds());
  tar.back() = 1;
  EXPECT_THAT(UnpackTar(tar), FailsWith(Errc::kFailed, "data after its end"));
}

TEST(TarTest, EveryChangedByteOfAHeaderIsNoticed) {
  const Bytes tar = PackTar({{"name", "text"}}, kTime);
  for (size_t i = 0; i < kBlock; i++) {
    Bytes changed = tar;
    changed[i] ^= 0x40;
    EXPECT_FALSE(UnpackTar(changed)) << i;
  }
}

}  // namespace
}  // namespace nvunlock
