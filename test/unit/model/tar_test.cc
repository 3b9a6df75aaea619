#include "src/model/tar.h"

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
constexpr size_t kLinkAt = 157;
constexpr size_t kPrefixAt = 345;

std::vector<TarFile> SampleFiles() {
  return {{"one", "1\n"},
          {"empty", ""},
          {"block", std::string(512, 'b')},
          {std::string(100, 'n'), "just fits"},
          {std::string(101, 'l'), "does not"},
          {std::string(204, 'L'), std::string(700, 'x')}};
}

/// An archive of the file "name" whose header somebody changed, who also set the checksum right.
Bytes Forged(const std::function<void(Bytes& header)>& change, std::string_view content = "text") {
  Bytes tar = Must(PackTar({{"name", std::string(content)}}, kTime));
  change(tar);
  std::fill_n(tar.begin() + kChecksumAt, 8, ' ');
  unsigned sum = 0;
  for (size_t i = 0; i < kBlock; i++) sum += tar[i];
  snprintf(reinterpret_cast<char*>(&tar[kChecksumAt]), 8, "%07o", sum);
  return tar;
}

void Put(Bytes& tar, size_t offset, std::string_view text) {
  std::copy(text.begin(), text.end(), tar.begin() + static_cast<ptrdiff_t>(offset));
}

TEST(TarTest, WhatIsPackedComesOutAgain) {
  EXPECT_EQ(Must(UnpackTar(Must(PackTar(SampleFiles(), kTime)))), SampleFiles());
  EXPECT_TRUE(Must(UnpackTar(Must(PackTar({}, kTime)))).empty());
}

TEST(TarTest, TarUnpacksIt) {
  TemporaryDirectory directory;
  directory.Write("a.tar", AsText(Must(PackTar(SampleFiles(), kTime))));
  EXPECT_EQ(RunCommand("cd " + directory.path() + " && mkdir x && tar -xf a.tar -C x"), "");
  EXPECT_EQ(directory.CountIn("x"), SampleFiles().size());
  for (const TarFile& file : SampleFiles()) {
    EXPECT_EQ(directory.Read("x/" + file.name), file.content);
  }
  EXPECT_EQ(RunCommand("stat -c '%a %Y' " + directory.PathOf("x/one")), "600 1700000000\n");
}

TEST(TarTest, WhatTarMakesIsUnderstood) {
  TemporaryDirectory directory;
  for (const TarFile& file : SampleFiles()) directory.Write("x/" + file.name, file.content);
  RunCommand("cd " + directory.path() + "/x && tar --format=ustar -cf ../a.tar one empty block");
  std::vector<TarFile> want = SampleFiles();
  want.resize(3);
  EXPECT_EQ(Must(UnpackTar(AsBytes(directory.Read("a.tar")))), want);
}

TEST(TarTest, AForgedHeaderIsReadWhenNothingIsWrongWithIt) {
  EXPECT_EQ(Must(UnpackTar(Forged([](Bytes&) {}))), (std::vector<TarFile>{{"name", "text"}}));
}

TEST(TarTest, NamesThatAreNotPlainAreRefused) {
  for (std::string_view name :
       {"/etc", "a/b", "../x", "..", ".", ".x", "a b", "a\nb", "a\033[2J", "\xc3\xa9"}) {
    Bytes tar = Forged([&](Bytes& header) {
      Put(header, 0, std::string(4, '\0'));
      Put(header, 0, name);
    });
    EXPECT_THAT(UnpackTar(tar), FailsWith(Errc::kFailed, "not plain")) << name;
    EXPECT_THAT(PackTar({{std::string(name), ""}}, kTime), FailsWith(Errc::kFailed, "not plain"));
  }
  EXPECT_THAT(UnpackTar(Forged([](Bytes& header) { std::fill_n(header.begin(), 4, 0); })),
              FailsWith(Errc::kFailed));
  EXPECT_THAT(PackTar({{"", ""}}, kTime), FailsWith(Errc::kFailed, "not plain"));
  EXPECT_THAT(PackTar({{std::string(256, 'a'), ""}}, kTime), FailsWith(Errc::kFailed, "not plain"));
}

TEST(TarTest, NamesInPaxHeadersAreLookedAtAsWell) {
  Bytes tar = Must(PackTar({{std::string(101, 'l'), ""}}, kTime));
  Bytes slash = tar;
  Put(slash, kBlock + 50, "/");
  EXPECT_THAT(UnpackTar(slash), FailsWith(Errc::kFailed, "not plain"));
  for (auto [offset, text] : {std::pair(0, "9"), std::pair(4, "q"), std::pair(110, " ")}) {
    Bytes bad = tar;
    Put(bad, kBlock + static_cast<size_t>(offset), text);
    EXPECT_THAT(UnpackTar(bad), FailsWith(Errc::kFailed, "pax header")) << offset;
  }
}

TEST(TarTest, WhatIsNotARegularFileIsRefused) {
  for (const char* type : {"1", "2", "3", "4", "5", "6", "7", "g", "L", "K", "S"}) {
    EXPECT_THAT(UnpackTar(Forged([&](Bytes& header) { Put(header, kTypeAt, type); })),
                FailsWith(Errc::kFailed, "not a regular file"))
        << type;
  }
  EXPECT_THAT(UnpackTar(Forged([](Bytes& header) { Put(header, kLinkAt, "/etc/passwd"); })),
              FailsWith(Errc::kFailed, "not a regular file"));
  EXPECT_THAT(UnpackTar(Forged([](Bytes& header) { Put(header, kPrefixAt, "/etc"); })),
              FailsWith(Errc::kFailed, "in a directory"));
}

TEST(TarTest, ImpossibleSizesAreRefused) {
  for (std::string_view size :
       {"77777777777", "00000200001", "0000000000x", "-0000000001", "\x80\0\0\0\0\0\0\0\0\0\1"}) {
    EXPECT_THAT(UnpackTar(Forged([&](Bytes& header) { Put(header, kSizeAt, size); })),
                FailsWith(Errc::kFailed, "impossible size"))
        << size;
  }
  EXPECT_THAT(UnpackTar(Forged([](Bytes& header) { Put(header, kSizeAt, "00000200000"); })),
              FailsWith(Errc::kFailed, "cut short"));
  EXPECT_THAT(PackTar({{"a", std::string(kTarFileLimit + 1, 'x')}}, kTime),
              FailsWith(Errc::kFailed, "larger"));
  EXPECT_THAT(PackTar({{"a", std::string(kTarFileLimit, 'x')}}, kTime), Succeeds());
}

TEST(TarTest, AFileTwiceAndTooManyAreRefused) {
  Bytes one = Must(PackTar({{"name", ""}}, kTime));
  Bytes twice = Concatenate({ByteView(one).first(kBlock), one});
  EXPECT_THAT(UnpackTar(twice), FailsWith(Errc::kFailed, "twice"));
  std::vector<TarFile> files;
  for (size_t i = 0; i < kTarMostFiles; i++) files.push_back({std::to_string(i), ""});
  Bytes most = Must(PackTar(files, kTime));
  EXPECT_THAT(UnpackTar(most), Succeeds());
  EXPECT_THAT(UnpackTar(Concatenate({ByteView(one).first(kBlock), most})),
              FailsWith(Errc::kFailed, "too many"));
}

TEST(TarTest, WhatIsCutShortOrGoesOnIsRefused) {
  Bytes tar = Must(PackTar(SampleFiles(), kTime));
  for (size_t size = 0; size < tar.size(); size += 128) {
    EXPECT_FALSE(UnpackTar(ByteView(tar).first(size))) << size;
  }
  Bytes longer = tar;
  longer.resize(tar.size() + kBlock);
  EXPECT_THAT(UnpackTar(longer), Succeeds());
  longer.back() = 1;
  EXPECT_THAT(UnpackTar(longer), FailsWith(Errc::kFailed, "behind its end"));
}

TEST(TarTest, EveryChangedByteOfAHeaderIsNoticed) {
  const Bytes tar = Must(PackTar({{"name", "text"}}, kTime));
  for (size_t i = 0; i < kBlock; i++) {
    if (i >= kChecksumAt + 7 && i < kChecksumAt + 8) continue;  // the NUL behind the checksum
    Bytes changed = tar;
    changed[i] ^= 0x40;
    EXPECT_FALSE(UnpackTar(changed)) << i;
  }
}

}  // namespace
}  // namespace nvunlock
