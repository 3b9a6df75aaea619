// SPDX-License-Identifier: Apache-2.0
#include "src/crypto/cms.h"

#include <gmock/gmock.h>

#include <string>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/commands.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

const Bytes kKeyId = Hex("000b0011223344");

Secret WrappingKey() {
  return SampleSecret(32, 0x80);
}

Bytes Encrypt(const Secret& content) {
  return Must(EncryptToKey(content, WrappingKey(), kKeyId));
}

Result<Secret> Decrypt(ByteView der) {
  return DecryptWithKey(der, WrappingKey(), kKeyId);
}

/// How openssl-cms(1) is told the same key.
std::string OpensslKey() {
  return " -secretkey " + ToHex(WrappingKey().bytes()) + " -secretkeyid " + ToHex(kKeyId);
}

TEST(CmsTest, RoundTripsContentOfAnySize) {
  for (size_t size : {1, 16, 31, 32, 33, 128, 4096}) {
    Secret content = SampleSecret(size);
    EXPECT_TRUE(Must(Decrypt(Encrypt(content))).Equals(content)) << size;
  }
}

TEST(CmsTest, ContentDoesNotOccurInTheMessage) {
  Secret content = SampleSecret(32);
  EXPECT_FALSE(ContainsBytes(Encrypt(content), content.bytes()));
}

TEST(CmsTest, MessagesOfEqualContentDiffer) {
  EXPECT_NE(Encrypt(SampleSecret(32)), Encrypt(SampleSecret(32)));
}

TEST(CmsTest, AnotherKeyIsRefused) {
  Bytes der = Encrypt(SampleSecret(32));
  EXPECT_THAT(DecryptWithKey(der, SampleSecret(32, 0x81), kKeyId), FailsWith(Errc::kBadKeyFile));
}

TEST(CmsTest, AnotherKeyIdIsRefused) {
  Bytes der = Encrypt(SampleSecret(32));
  EXPECT_THAT(DecryptWithKey(der, WrappingKey(), Hex("000b0011223345")),
              FailsWith(Errc::kBadKeyFile));
}

TEST(CmsTest, NoChangedByteYieldsOtherContent) {
  Secret content = SampleSecret(32);
  const Bytes der = Encrypt(content);
  for (size_t i = 0; i < der.size(); i++) {
    for (uint8_t change : {0x01, 0x20, 0x80, 0xff}) {
      Bytes changed = der;
      changed[i] ^= change;
      Result<Secret> opened = Decrypt(changed);
      if (opened) {
        EXPECT_TRUE(opened->Equals(content)) << "byte " << i << " ^ " << int{change};
      } else {
        EXPECT_THAT(opened, FailsWith(Errc::kBadKeyFile)) << "byte " << i << " ^ " << int{change};
      }
    }
  }
}

TEST(CmsTest, ATruncatedMessageIsRefused) {
  const Bytes der = Encrypt(SampleSecret(32));
  for (size_t size = 0; size < der.size(); size++) {
    EXPECT_THAT(Decrypt(ByteView(der).first(size)), FailsWith(Errc::kBadKeyFile)) << size;
  }
}

TEST(CmsTest, BytesBehindTheMessageAreRefused) {
  Bytes der = Encrypt(SampleSecret(32));
  der.push_back(0);
  EXPECT_THAT(Decrypt(der), FailsWith(Errc::kBadKeyFile, "not valid DER"));
}

TEST(CmsTest, StockOpensslOpensOurMessage) {
  TemporaryDirectory directory;
  std::string message = directory.Write("cms", AsText(Encrypt(SecretOf("for openssl"))));
  EXPECT_EQ(RunCommand("openssl cms -decrypt -inform DER -in " + message + OpensslKey()),
            "for openssl");
}

TEST(CmsTest, WeOpenWhatStockOpensslMakes) {
  TemporaryDirectory directory;
  std::string content = directory.Write("content", "from openssl");
  RunCommand("openssl cms -encrypt -binary -aes-256-gcm -outform DER -in " + content + " -out " +
             directory.PathOf("cms") + OpensslKey());
  EXPECT_EQ(AsText(Must(Decrypt(AsBytes(directory.Read("cms")))).bytes()), "from openssl");
}

TEST(CmsTest, ContentThatIsNotAuthenticatedIsRefused) {
  TemporaryDirectory directory;
  std::string content = directory.Write("content", "changed at will by anybody");
  RunCommand("openssl cms -encrypt -binary -aes-256-cbc -outform DER -in " + content + " -out " +
             directory.PathOf("cms") + OpensslKey());
  EXPECT_THAT(Decrypt(AsBytes(directory.Read("cms"))),
              FailsWith(Errc::kBadKeyFile, "not AuthEnvelopedData"));
}

}  // namespace
}  // namespace nvunlock
