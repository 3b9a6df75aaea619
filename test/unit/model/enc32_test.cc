// SPDX-License-Identifier: Apache-2.0
#include "src/model/enc32.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/commands.h"
#include "test/unit/support/kernel_keys.h"
#include "test/unit/support/temporary_directory.h"

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

class WrapPassphraseTest : public testing::Test {
 protected:
  /// The plaintext by coreutils and openssl alone, following encrypted.c: SHA-256 over "ENC_KEY",
  /// NUL, kek and zeros up to 9 bytes more than the kek has, 32 at least.
  [[nodiscard]] std::string DecryptElsewhere(const Enc32Blob& blob, const Secret& kek) const {
    std::string buffer = std::string("ENC_KEY") + '\0' + std::string(AsText(kek.bytes()));
    directory_.Write("buffer", buffer);
    directory_.Write("ciphertext", AsText(ByteView(blob.payload).subspan(17, 32)));
    std::string size = std::to_string(std::max<size_t>(9 + kek.size(), 32));
    return RunCommand("cd " + directory_.path() + " && truncate -s " + size +
                      " buffer && openssl enc -d -aes-256-cbc -nopad -in ciphertext" +
                      " -K $(sha256sum buffer | cut -c1-64) -iv " +
                      ToHex(ByteView(blob.payload).first(16)));
  }

  const KekName name_ = {"user", "nvunlock-test-kek"};
  TestKeyring test_keyring_;
  TemporaryDirectory directory_;
};

const std::string kTyped = "abcdefghijklmnopqrstuvwxyz012345";

TEST_F(WrapPassphraseTest, TheTextParsesAndVerifiesUnderItsKekOnly) {
  Secret kek = SampleSecret(32);
  Enc32Blob made = Must(WrapPassphrase(name_, kek, SecretOf(kTyped)));
  Enc32Blob parsed = Must(ParseEnc32(made.text));
  EXPECT_EQ(parsed.text, made.text);
  EXPECT_EQ(parsed.kek, name_);
  EXPECT_EQ(parsed.payload, made.payload);
  EXPECT_TRUE(VerifyEnc32(parsed, kek));
  EXPECT_FALSE(VerifyEnc32(parsed, SampleSecret(32, 2)));
}

TEST_F(WrapPassphraseTest, OpensslFindsThePassphraseInIt) {
  for (size_t size : {1, 22, 23, 24, 32, 64}) {
    Secret kek = SampleSecret(size);
    Enc32Blob blob = Must(WrapPassphrase(name_, kek, SecretOf(kTyped)));
    EXPECT_EQ(DecryptElsewhere(blob, kek), kTyped) << size;
    EXPECT_NE(DecryptElsewhere(blob, SampleSecret(size, 2)), kTyped) << size;
  }
}

TEST_F(WrapPassphraseTest, TheKernelLoadsItAndReadsTheSameBytesBack) {
  for (size_t size : {1, 23, 32, 64}) {
    Secret kek = SampleSecret(size);
    Key key = Must(test_keyring_.keyring().AddUser(name_.description, kek.bytes()));
    std::string text = Must(WrapPassphrase(name_, kek, SecretOf(kTyped))).text;
    Key loaded = Must(test_keyring_.keyring().LoadEncrypted("nvdimm:8089-00000001", text));
    EXPECT_EQ(PayloadOf(loaded), text) << size;
    EXPECT_THAT(loaded.Invalidate(), Succeeds());
    EXPECT_THAT(key.Invalidate(), Succeeds());
  }
}

TEST_F(WrapPassphraseTest, TheKernelRefusesItUnderAnotherKek) {
  (void)Must(test_keyring_.keyring().AddUser(name_.description, SampleSecret(32, 2).bytes()));
  std::string text = Must(WrapPassphrase(name_, SampleSecret(32), SecretOf(kTyped))).text;
  EXPECT_THAT(test_keyring_.keyring().LoadEncrypted("nvdimm:8089-00000001", text),
              FailsWith(Errc::kFailed, "wrapped by another kek"));
}

TEST_F(WrapPassphraseTest, TheSamePassphraseTwiceGivesBlobsThatDiffer) {
  Bytes one = Must(WrapPassphrase(name_, SampleSecret(32), SecretOf(kTyped))).payload;
  Bytes other = Must(WrapPassphrase(name_, SampleSecret(32), SecretOf(kTyped))).payload;
  EXPECT_NE(Copy(ByteView(one).first(16)), Copy(ByteView(other).first(16)));
  EXPECT_NE(Copy(ByteView(one).subspan(17, 32)), Copy(ByteView(other).subspan(17, 32)));
}

TEST_F(WrapPassphraseTest, APassphraseOfAnotherSizeIsRefused) {
  for (size_t size : {16, 31, 33, 48}) {
    EXPECT_THAT(WrapPassphrase(name_, SampleSecret(32), SampleSecret(size)),
                FailsWith(Errc::kFailed, "not 32 bytes"));
  }
}

TEST(PassphraseFromTextTest, ZerosFollowWhatWasTyped) {
  Bytes want(32);
  want[0] = 'p';
  want[1] = ' ';
  EXPECT_EQ(Copy(Must(PassphraseFromText(AsBytes("p "))).bytes()), want);
  EXPECT_EQ(Copy(Must(PassphraseFromText(AsBytes("p \n"))).bytes()), want);
  EXPECT_EQ(Copy(Must(PassphraseFromText(AsBytes(kTyped + "\n"))).bytes()), Copy(AsBytes(kTyped)));
}

TEST(PassphraseFromTextTest, OnlyOneNewlineIsDropped) {
  EXPECT_EQ(Must(PassphraseFromText(AsBytes("p\n\n"))).bytes()[1], '\n');
}

TEST(PassphraseFromTextTest, RefusesWhatNobodyCanHaveMeant) {
  EXPECT_THAT(PassphraseFromText({}), FailsWith(Errc::kUsage, "empty"));
  EXPECT_THAT(PassphraseFromText(AsBytes("\n")), FailsWith(Errc::kUsage, "empty"));
  EXPECT_THAT(PassphraseFromText(AsBytes(kTyped + "6")), FailsWith(Errc::kUsage, "longer"));
  EXPECT_THAT(PassphraseFromText(AsBytes(std::string_view("a\0b", 3))),
              FailsWith(Errc::kUsage, "zero byte"));
}

}  // namespace
}  // namespace nvunlock
