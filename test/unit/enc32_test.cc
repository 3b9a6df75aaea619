#include "src/model/enc32.h"

#include <gtest/gtest.h>

#include "test/unit/byte_strings.h"
#include "test/unit/kernel_keys.h"

namespace nvunlock {
namespace {

const std::string kPayload(162, 'a');

std::string BlobText(const std::string& payload = kPayload) {
  return "enc32 user:nvdimm-master 32 " + payload;
}

TEST(ParseEnc32Test, ReadsWhatNdctlStores) {
  Enc32Blob blob = Must(ParseEnc32(BlobText()));
  EXPECT_EQ(blob.text, BlobText());
  EXPECT_EQ(blob.kek, (KekName{"user", "nvdimm-master"}));
  EXPECT_EQ(blob.payload, Bytes(81, 0xaa));
}

TEST(ParseEnc32Test, DropsWhiteSpaceAtTheEndsThatTheKernelRefuses) {
  EXPECT_EQ(Must(ParseEnc32(BlobText() + "\n")).text, BlobText());
  EXPECT_EQ(Must(ParseEnc32("\n" + BlobText() + " \r\n")).text, BlobText());
}

TEST(ParseEnc32Test, ReadsTrustedKeksAndUpperCaseDigits) {
  EXPECT_EQ(Must(ParseEnc32("enc32 trusted:kek 32 " + kPayload)).kek.type, "trusted");
  EXPECT_EQ(Must(ParseEnc32(BlobText(std::string(162, 'A')))).payload, Bytes(81, 0xaa));
}

struct BadBlob {
  std::string text;
  const char* says;
};

TEST(ParseEnc32Test, SaysWhichFieldIsWrong) {
  const BadBlob bad_blobs[] = {
      {"", "0 fields instead of four"},
      {"enc32 user:nvdimm-master 32", "3 fields instead of four"},
      {BlobText() + " more", "5 fields instead of four"},
      {"default user:nvdimm-master 32 " + kPayload, "format is not enc32"},
      {"ENC32 user:nvdimm-master 32 " + kPayload, "format is not enc32"},
      {"enc32 nvdimm-master 32 " + kPayload, "not a kek name"},
      {"enc32 user:../kek 32 " + kPayload, "cannot be a file name"},
      {"enc32 user:nvdimm-master 64 " + kPayload, "length is not 32"},
      {"enc32 user:nvdimm-master 032 " + kPayload, "length is not 32"},
      {BlobText(std::string(162, 'g')), "not hexadecimal"},
      {BlobText(std::string(161, 'a')), "not hexadecimal"},
      {BlobText(std::string(160, 'a')), "80 bytes instead of 81"},
      {BlobText(std::string(164, 'a')), "82 bytes instead of 81"},
  };
  for (const BadBlob& bad : bad_blobs) {
    EXPECT_THAT(ParseEnc32(bad.text), FailsWith(Errc::kFailed, bad.says)) << bad.text;
  }
}

class VerifyEnc32Test : public testing::Test {
 protected:
  /// A blob that the kernel makes under KEK.
  [[nodiscard]] Enc32Blob MakeBlob(const Secret& kek) const {
    Key key = Must(test_keyring_.keyring().AddUser("nvunlock-test-kek", kek.bytes()));
    Enc32Blob blob = Must(ParseEnc32(test_keyring_.MakeBlob("nvunlock-test-kek")));
    EXPECT_THAT(key.Invalidate(), Succeeds());
    return blob;
  }

 private:
  TestKeyring test_keyring_;
};

/// Around the sizes at which the kernel's key derivation pads: 9 + size and 32.
TEST_F(VerifyEnc32Test, AgreesWithTheKernelForKeksOfAnySize) {
  for (size_t size : {1, 16, 22, 23, 24, 31, 32, 33, 64, 128}) {
    Secret kek = SampleSecret(size);
    Enc32Blob blob = MakeBlob(kek);
    EXPECT_TRUE(VerifyEnc32(blob, kek)) << size;
    EXPECT_FALSE(VerifyEnc32(blob, SampleSecret(size, 2))) << size;
  }
}

TEST_F(VerifyEnc32Test, AKekWithZerosBehindItIsAnotherKek) {
  Enc32Blob blob = MakeBlob(SampleSecret(32));
  Secret longer = SampleSecret(33);
  longer.bytes()[32] = 0;
  EXPECT_FALSE(VerifyEnc32(blob, longer));
}

TEST_F(VerifyEnc32Test, NoticesEveryChangedByteOfThePayload) {
  Secret kek = SampleSecret(32);
  const Enc32Blob blob = MakeBlob(kek);
  for (size_t i = 0; i < blob.payload.size(); i++) {
    Enc32Blob changed = blob;
    changed.payload[i] ^= 1;
    EXPECT_FALSE(VerifyEnc32(changed, kek)) << i;
  }
}

TEST_F(VerifyEnc32Test, NoticesAnotherKekName) {
  Secret kek = SampleSecret(32);
  Enc32Blob blob = MakeBlob(kek);
  for (const KekName& name : {KekName{"trusted", blob.kek.description}, KekName{"user", "other"}}) {
    Enc32Blob renamed = blob;
    renamed.kek = name;
    EXPECT_FALSE(VerifyEnc32(renamed, kek)) << name.ToString();
  }
}

}  // namespace
}  // namespace nvunlock
