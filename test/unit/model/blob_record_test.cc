// SPDX-License-Identifier: Apache-2.0
#include "src/model/blob_record.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "src/base/text.h"
#include "test/unit/support/byte_strings.h"
#include "test/unit/support/record_lines.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kId[] = "8089-a2-1740-00000133";
const KekName kName = {"user", "nvdimm-master"};

Secret Kek() {
  return SampleSecret(32);
}

RecordLine SampleLine() {
  return LineFor(kId, BlobText('a'), Kek());
}

/// The lines of TEXT that KEK vouches for, and how many of its name it does not.
std::pair<std::vector<RecordLine>, size_t> Vouched(const std::string& text, const Secret& kek,
                                                   const KekName& name = kName) {
  RecordedBlobs recorded;
  size_t damaged = Must(AddAuthentic(ParseBlobRecord(text), name, kek, recorded));
  return {recorded.lines(), damaged};
}

TEST(HashOfBlobTest, IsTheSha256OfTheTextWithoutWhiteSpaceAtItsEnds) {
  EXPECT_EQ(HashOfBlob("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HashOfBlob("abc\n"), HashOfBlob("abc"));
  EXPECT_NE(HashOfBlob("abd"), HashOfBlob("abc"));
}

TEST(BlobRecordTest, EverySpellingOfADimmIsOne) {
  EXPECT_EQ(PassphraseName(PassphraseRole::kUser, "-2"), "nvdimm:18446744073709551614");
  EXPECT_EQ(PassphraseName(PassphraseRole::kMaster, kId), std::string("nvdimm-master:") + kId);
}

TEST(BlobRecordTest, LinesAreReadBack) {
  std::vector<RecordLine> lines = {SampleLine(), LineFor("4660", BlobText('b'), Kek())};
  BlobRecord read = ParseBlobRecord(FormatBlobRecord(lines));
  EXPECT_EQ(read.lines, lines);
  EXPECT_EQ(read.damaged, 0U);
}

TEST(BlobRecordTest, ALineIsAuthenticUnderItsKekAlone) {
  EXPECT_THAT(IsAuthentic(SampleLine(), Kek()), Yields(true));
  EXPECT_THAT(IsAuthentic(SampleLine(), SampleSecret(32, 2)), Yields(false));
}

TEST(BlobRecordTest, NoByteOfALineCanBeChanged) {
  const std::string text = SampleLine().ToString();
  for (size_t i = 0; i < text.size(); i++) {
    for (uint8_t bit : {1, 0x20}) {
      std::string changed = text;
      changed[i] = static_cast<char>(changed[i] ^ bit);
      EXPECT_THAT(Vouched(changed, Kek()).first, IsEmpty()) << i;
    }
  }
}

/// Each word of one line with those of another.
TEST(BlobRecordTest, LinesCannotBePutTogetherAnew) {
  RecordLine other = LineFor("4660", BlobText('b'), Kek());
  for (std::string RecordLine::*word :
       {&RecordLine::passphrase, &RecordLine::hash, &RecordLine::mac}) {
    RecordLine line = SampleLine();
    line.*word = other.*word;
    EXPECT_THAT(IsAuthentic(line, Kek()), Yields(false));
  }
}

TEST(BlobRecordTest, ADamagedLineSaysNothingAndIsCounted) {
  RecordLine damaged = SampleLine();
  damaged.mac[0] = damaged.mac[0] == '0' ? '1' : '0';
  RecordLine good = LineFor("4660", BlobText('b'), Kek());
  auto [lines, count] = Vouched(FormatBlobRecord({damaged, good}), Kek());
  EXPECT_THAT(lines, ElementsAre(good));
  EXPECT_EQ(count, 1U);
}

TEST(BlobRecordTest, ALineOfAnotherKekIsForThatKekToJudge) {
  RecordLine other = LineFor(kId, BlobText('a', "user:rack7"), SampleSecret(32, 2));
  auto [lines, count] = Vouched(FormatBlobRecord({other, SampleLine()}), Kek());
  EXPECT_THAT(lines, ElementsAre(SampleLine()));
  EXPECT_EQ(count, 0U);
  EXPECT_THAT(Vouched(other.ToString(), SampleSecret(32, 2), {"user", "rack7"}).first,
              ElementsAre(other));
}

/// Otherwise whoever has one kek could speak for the blobs of another.
TEST(BlobRecordTest, AKekSpeaksForItsOwnBlobsAlone) {
  RecordLine forged = SampleLine();
  forged.kek = "user:rack7";
  Enc32Blob blob = Must(ParseEnc32(BlobText('a')));
  EXPECT_THAT(Recorded({forged}).PassphrasesOf(blob), IsEmpty());
  EXPECT_THAT(Recorded({SampleLine()}).PassphrasesOf(blob), ElementsAre(SampleLine().passphrase));
}

TEST(BlobRecordTest, OrderAndRepetitionMakeNoDifference) {
  RecordLine other = LineFor("4660", BlobText('b'), Kek());
  for (const std::vector<RecordLine>& lines :
       {std::vector<RecordLine>{SampleLine(), other, SampleLine()}, {other, other, SampleLine()}}) {
    RecordedBlobs recorded;
    Must(AddAuthentic(ParseBlobRecord(FormatBlobRecord(lines)), kName, Kek(), recorded));
    EXPECT_THAT(recorded.PassphrasesOf(Must(ParseEnc32(BlobText('a')))),
                ElementsAre(SampleLine().passphrase));
    EXPECT_THAT(recorded.PassphrasesOf(Must(ParseEnc32(BlobText('b')))),
                ElementsAre(other.passphrase));
  }
}

TEST(BlobRecordTest, ATruncatedFileKeepsItsWholeLines) {
  RecordLine other = LineFor("4660", BlobText('b'), Kek());
  const std::string text = FormatBlobRecord({SampleLine(), other});
  for (size_t size = 0; size < text.size() - 1; size++) {
    std::vector<RecordLine> lines = Vouched(text.substr(0, size), Kek()).first;
    EXPECT_EQ(std::count(lines.begin(), lines.end(), other), 0) << size;
    EXPECT_LE(lines.size(), 1U) << size;
  }
}

TEST(BlobRecordTest, HostileTextIsCountedAndNoMore) {
  const std::string nul("a\0b c d e", 9);
  for (const std::string& text :
       {std::string("one"), std::string("a b c"), std::string("a b c d e"), std::string("a  b c"),
        std::string(" a b c"), std::string("a b c "), std::string(100000, ' '),
        std::string(100000, 'x'), std::string("\x1b[2J\xff\xfe")}) {
    EXPECT_EQ(ParseBlobRecord(text).damaged, 1U) << text.size();
    EXPECT_THAT(ParseBlobRecord(text).lines, IsEmpty());
  }
  EXPECT_THAT(Vouched(nul, Kek()).first, IsEmpty());
  EXPECT_THAT(ParseBlobRecord(std::string(1 << 20, '\n')).lines, IsEmpty());
  EXPECT_THAT(ParseBlobRecord("# comment\n\n" + SampleLine().ToString()).lines, SizeIs(1));
}

/// The kernel takes digits of either case, so that one blob could be shown as two.
TEST(BlobRecordTest, ABlobIsTheSameHoweverItIsSpelled) {
  std::string spelled = "enc32  user:nvdimm-master 32 " + std::string(162, 'A') + "\n";
  EXPECT_THAT(Recorded({SampleLine()}).PassphrasesOf(Must(ParseEnc32(spelled))),
              ElementsAre(SampleLine().passphrase));
}

}  // namespace
}  // namespace nvunlock
