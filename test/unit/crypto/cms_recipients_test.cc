// SPDX-License-Identifier: Apache-2.0
// CMS messages for passphrases and certificates, and what messages say of their recipient.
#include <gmock/gmock.h>

#include <string>

#include "src/crypto/cms.h"
#include "test/unit/support/byte_strings.h"
#include "test/unit/support/commands.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

const Bytes kRecipientKeyId = Hex("000b0011223344");
const Bytes kScrypt = Hex("3011040473616c740203020000020108020101");

Secret RecipientKey() {
  return SampleSecret(32, 0x80);
}

Secret Passphrase() {
  return SecretOf("correct horse battery staple");
}

/// Where it does not matter how long it takes.
constexpr int kFewRounds = 1000;

class CmsRecipientTest : public testing::Test {
 protected:
  /// The text of a new certificate; its key is in key.pem.
  [[nodiscard]] std::string MakeCertificate(const std::string& new_key) const {
    RunCommand("openssl req -x509 -nodes -subj /O=Vault/CN=Escrow -days 2 -newkey " + new_key +
               " -keyout " + directory_.PathOf("key.pem") + " -out " +
               directory_.PathOf("certificate.pem"));
    return directory_.Read("certificate.pem");
  }

  /// What stock OpenSSL does with a message.
  [[nodiscard]] CommandOutcome Openssl(const Bytes& der, const std::string& options) const {
    return TryCommand("openssl cms -decrypt -inform DER -in " +
                      directory_.Write("cms", AsText(der)) + " " + options);
  }

  [[nodiscard]] std::string Printed(const Bytes& der) const {
    return RunCommand("openssl cms -cmsout -print -noout -inform DER -in " +
                      directory_.Write("cms", AsText(der)));
  }

  TemporaryDirectory directory_;
};

TEST_F(CmsRecipientTest, StockOpensslOpensWhatIsForAPassphrase) {
  Bytes der = Must(EncryptToPassphrase(SecretOf("content"), Passphrase(), kFewRounds));
  EXPECT_EQ(Openssl(der, "-pwri_password 'correct horse battery staple'").output, "content");
  EXPECT_NE(Openssl(der, "-pwri_password 'correct horse battery stable'").output, "content");
}

TEST_F(CmsRecipientTest, ThePassphraseOpensWhatIsForIt) {
  for (size_t size : {1, 4096}) {
    Bytes der = Must(EncryptToPassphrase(SampleSecret(size), Passphrase(), kFewRounds));
    EXPECT_TRUE(Must(DecryptWithPassphrase(der, Passphrase())).Equals(SampleSecret(size))) << size;
  }
}

TEST_F(CmsRecipientTest, AnotherPassphraseNeverYieldsTheContent) {
  Bytes der = Must(EncryptToPassphrase(SampleSecret(32), Passphrase(), kFewRounds));
  for (const char* wrong : {"correct horse battery stapl", "correct horse battery staple "}) {
    Result<Secret> opened = DecryptWithPassphrase(der, SecretOf(wrong));
    if (opened) {
      EXPECT_FALSE(opened->Equals(SampleSecret(32))) << wrong;
    } else {
      EXPECT_THAT(opened, FailsWith(Errc::kBadKeyFile)) << wrong;
    }
  }
}

TEST_F(CmsRecipientTest, APassphraseIsStretchedByAMillionRounds) {
  std::string printed = Printed(Must(EncryptToPassphrase(SampleSecret(32), Passphrase())));
  EXPECT_THAT(printed, HasSubstr("PBKDF2"));
  EXPECT_THAT(printed, ContainsRegex("INTEGER +:0F4240"));
  EXPECT_THAT(printed, HasSubstr("aes-256-cbc"));
}

TEST_F(CmsRecipientTest, TheContentDoesNotOccurInAnyMessage) {
  Secret content = SampleSecret(32);
  EXPECT_FALSE(
      ContainsBytes(Must(EncryptToPassphrase(content, Passphrase(), kFewRounds)), content.bytes()));
  EXPECT_FALSE(ContainsBytes(Must(EncryptToCertificate(content, MakeCertificate("rsa:2048"))),
                             content.bytes()));
}

TEST_F(CmsRecipientTest, StockOpensslOpensWhatIsForACertificate) {
  for (const char* new_key :
       {"rsa:2048", "ec -pkeyopt ec_paramgen_curve:P-256", "ec -pkeyopt ec_paramgen_curve:P-384"}) {
    std::string certificate = MakeCertificate(new_key);
    Bytes der = Must(EncryptToCertificate(SecretOf("content"), certificate));
    EXPECT_EQ(Openssl(der, "-inkey " + directory_.PathOf("key.pem")).output, "content") << new_key;
  }
}

TEST_F(CmsRecipientTest, WhatIsForACertificateIsAuthenticatedAndPaddedWithOaep) {
  std::string certificate = MakeCertificate("rsa:2048");
  std::string printed = Printed(Must(EncryptToCertificate(SampleSecret(32), certificate)));
  EXPECT_THAT(printed, HasSubstr("authEnvelopedData"));
  EXPECT_THAT(printed, HasSubstr("aes-256-gcm"));
  EXPECT_THAT(printed, HasSubstr("rsaesOaep"));
  EXPECT_THAT(printed, Not(HasSubstr("sha1")));
}

TEST_F(CmsRecipientTest, WhatIsNoCertificateOrCannotEncryptIsRefused) {
  for (const std::string& certificate :
       {std::string(), std::string("nonsense"), std::string(1000, '\xff'),
        std::string("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        MakeCertificate("ed25519")}) {
    EXPECT_THAT(EncryptToCertificate(SampleSecret(32), certificate), FailsWith(Errc::kFailed));
  }
}

TEST_F(CmsRecipientTest, TheAddressTellsThePassphraseAndTheCertificate) {
  CmsAddress passphrase =
      Must(ReadAddress(Must(EncryptToPassphrase(SampleSecret(32), Passphrase(), kFewRounds))));
  EXPECT_EQ(passphrase.recipient, CmsRecipient::kPassphrase);
  EXPECT_EQ(passphrase.issuer, "");
  for (const char* new_key : {"rsa:2048", "ec -pkeyopt ec_paramgen_curve:P-256"}) {
    Bytes der = Must(EncryptToCertificate(SampleSecret(32), MakeCertificate(new_key)));
    CmsAddress certificate = Must(ReadAddress(der));
    EXPECT_EQ(certificate.recipient, CmsRecipient::kCertificate) << new_key;
    EXPECT_EQ(certificate.issuer, "/O=Vault/CN=Escrow") << new_key;
  }
}

TEST_F(CmsRecipientTest, TheAddressHoldsTheKeyIdAndTheScryptParameters) {
  CmsAddress plain =
      Must(ReadAddress(Must(EncryptToKey(SampleSecret(32), RecipientKey(), kRecipientKeyId))));
  EXPECT_EQ(plain.recipient, CmsRecipient::kKey);
  EXPECT_EQ(plain.key_id, kRecipientKeyId);
  EXPECT_EQ(ToHex(plain.scrypt), "");
  Bytes der = Must(EncryptToKey(SampleSecret(32), RecipientKey(), kRecipientKeyId, kScrypt));
  CmsAddress stretched = Must(ReadAddress(der));
  EXPECT_EQ(stretched.key_id, kRecipientKeyId);
  EXPECT_EQ(ToHex(stretched.scrypt), ToHex(kScrypt));
}

TEST_F(CmsRecipientTest, ScryptParametersDoNotKeepAnybodyFromOpening) {
  Bytes der = Must(EncryptToKey(SecretOf("content"), RecipientKey(), kRecipientKeyId, kScrypt));
  EXPECT_EQ(AsText(Must(DecryptWithKey(der, RecipientKey(), kRecipientKeyId)).bytes()), "content");
  EXPECT_EQ(Openssl(der, "-secretkey " + ToHex(RecipientKey().bytes()) + " -secretkeyid " +
                             ToHex(kRecipientKeyId))
                .output,
            "content");
}

TEST_F(CmsRecipientTest, TheAddressOfDamagedMessagesIsRefused) {
  const Bytes der = Must(EncryptToPassphrase(SampleSecret(32), Passphrase(), kFewRounds));
  for (size_t size = 0; size < der.size(); size++) {
    EXPECT_THAT(ReadAddress(ByteView(der).first(size)), FailsWith(Errc::kBadKeyFile)) << size;
  }
  for (size_t i = 0; i < der.size(); i++) {
    Bytes changed = der;
    changed[i] ^= 0xff;
    Result<CmsAddress> address = ReadAddress(changed);
    if (!address) {
      EXPECT_THAT(address, FailsWith(Errc::kBadKeyFile)) << i;
    }
  }
}

TEST_F(CmsRecipientTest, MessagesForTwoOrForNobodyAreRefused) {
  std::string content = directory_.Write("content", "for many");
  std::string output = directory_.PathOf("two");
  RunCommand("openssl cms -encrypt -binary -aes-256-cbc -outform DER -in " + content + " -out " +
             output + " -pwri_password secret -secretkey " + ToHex(RecipientKey().bytes()) +
             " -secretkeyid " + ToHex(kRecipientKeyId));
  EXPECT_THAT(ReadAddress(AsBytes(directory_.Read("two"))),
              FailsWith(Errc::kBadKeyFile, "not for one recipient"));
  RunCommand("openssl cms -data_create -binary -outform DER -in " + content + " -out " + output);
  EXPECT_THAT(ReadAddress(AsBytes(directory_.Read("two"))),
              FailsWith(Errc::kBadKeyFile, "not encrypted"));
}

TEST_F(CmsRecipientTest, AMessageForAKeyIsNotOpenedByAPassphraseNorTheOtherWayRound) {
  Bytes for_key = Must(EncryptToKey(SampleSecret(32), RecipientKey(), kRecipientKeyId));
  EXPECT_THAT(DecryptWithPassphrase(for_key, Passphrase()), FailsWith(Errc::kBadKeyFile));
  Bytes for_passphrase = Must(EncryptToPassphrase(SampleSecret(32), Passphrase(), kFewRounds));
  EXPECT_THAT(DecryptWithKey(for_passphrase, RecipientKey(), kRecipientKeyId),
              FailsWith(Errc::kBadKeyFile));
}

}  // namespace
}  // namespace nvunlock
