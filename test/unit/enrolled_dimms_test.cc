#include "src/model/enrolled_dimms.h"

#include <gtest/gtest.h>

#include "src/base/text.h"
#include "test/unit/byte_strings.h"

namespace nvunlock {
namespace {

const KekName kName = {"user", "nvdimm-master"};

EnrolledDimms SampleDimms() {
  return {{{"8089-a2-1740-00000133", HashOfBlob("a blob")}, {"4660", HashOfBlob("another")}}};
}

std::string SampleText() {
  return Must(FormatEnrolledDimms(SampleDimms(), kName, SampleSecret(32)));
}

TEST(HashOfBlobTest, IsTheSha256OfTheTextWithoutWhiteSpaceAtItsEnds) {
  EXPECT_EQ(HashOfBlob("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HashOfBlob("abc\n"), HashOfBlob("abc"));
  EXPECT_NE(HashOfBlob("abd"), HashOfBlob("abc"));
}

TEST(EnrolledDimmsTest, AreReadBack) {
  EXPECT_EQ(Must(ParseEnrolledDimms(SampleText())).blob_hashes, SampleDimms().blob_hashes);
}

TEST(EnrolledDimmsTest, NoDimmsAreFine) {
  std::string text = Must(FormatEnrolledDimms({}, kName, SampleSecret(32)));
  EXPECT_TRUE(Must(ParseEnrolledDimms(text)).blob_hashes.empty());
  EXPECT_THAT(VerifyEnrolledDimms(text, kName, SampleSecret(32)), Yields(true));
}

TEST(EnrolledDimmsTest, LinesThatAreNotAnIdAndAHashAreRefused) {
  for (const char* text : {"8089\n", "a b c\n", " hash\n", "a b\nc\n"}) {
    EXPECT_THAT(ParseEnrolledDimms(text), FailsWith(Errc::kFailed, "not a DIMM id and a hash"))
        << text;
  }
}

TEST(EnrolledDimmsTest, AMacOfTheKekHolds) {
  EXPECT_THAT(VerifyEnrolledDimms(SampleText(), kName, SampleSecret(32)), Yields(true));
}

TEST(EnrolledDimmsTest, AMacOfAnotherKekOrNameDoesNotHold) {
  EXPECT_THAT(VerifyEnrolledDimms(SampleText(), kName, SampleSecret(32, 2)), Yields(false));
  EXPECT_THAT(VerifyEnrolledDimms(SampleText(), {"user", "other"}, SampleSecret(32)),
              Yields(false));
}

TEST(EnrolledDimmsTest, EveryChangedByteIsNoticed) {
  const std::string text = SampleText();
  for (size_t i = 0; i < text.size(); i++) {
    std::string changed = text;
    changed[i] ^= 1;
    EXPECT_THAT(VerifyEnrolledDimms(changed, kName, SampleSecret(32)), Yields(false)) << i;
  }
}

TEST(EnrolledDimmsTest, LinesTakenOutPutInOrAppendedAreNoticed) {
  const std::string text = SampleText();
  std::string first_line(Split(text, '\n')[0]);
  for (const std::string& changed :
       {text.substr(first_line.size() + 1), first_line + "\n" + text, text + "x y\n",
        text.substr(0, text.size() - 1), std::string()}) {
    EXPECT_THAT(VerifyEnrolledDimms(changed, kName, SampleSecret(32)), Yields(false));
  }
}

}  // namespace
}  // namespace nvunlock
