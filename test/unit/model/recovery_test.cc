// SPDX-License-Identifier: Apache-2.0
#include "src/model/recovery.h"

#include <gmock/gmock.h>

#include <string>

#include "src/crypto/cms.h"
#include "test/unit/support/byte_strings.h"
#include "test/unit/support/commands.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

const char kModhexOfSample[] =
    "cbcdcecf-cgchcicj-ckclcncr-ctcucvbc-bbbdbebf-bgbhbibj-bkblbnbr-btbubvdc";

std::string TextOf(const Secret& secret) {
  return std::string(AsText(secret.bytes()));
}

/// What `tr cbdefghijklnrtuv 0123456789abcdef` makes of a recovery key.
std::string Translate(const std::string& modhex) {
  return RunCommand("printf %s '" + modhex + "' | tr -d - | tr cbdefghijklnrtuv 0123456789abcdef");
}

TEST(RecoveryKeyTest, IsWrittenAsEightGroupsOfModhex) {
  EXPECT_EQ(TextOf(Must(FormatRecoveryKey(SampleSecret(32)))), kModhexOfSample);
}

TEST(RecoveryKeyTest, TrMakesHexOfIt) {
  Secret key = Must(MakeRecoveryKey());
  EXPECT_EQ(Translate(TextOf(Must(FormatRecoveryKey(key)))), ToHex(key.bytes()));
}

TEST(RecoveryKeyTest, EveryKeyIsAnother) {
  Secret key = Must(MakeRecoveryKey());
  EXPECT_EQ(key.size(), 32U);
  EXPECT_FALSE(key.Equals(Must(MakeRecoveryKey())));
}

TEST(RecoveryKeyTest, IsReadHoweverPeopleTypeIt) {
  std::string plain = kModhexOfSample;
  std::erase(plain, '-');
  std::string upper = kModhexOfSample;
  for (char& character : upper) character = static_cast<char>(toupper(character));
  std::string spaced = kModhexOfSample;
  std::replace(spaced.begin(), spaced.end(), '-', ' ');
  for (const std::string& typed : {std::string(kModhexOfSample), plain, upper, spaced,
                                   " \t" + plain + "\r\n", "--" + plain + "--"}) {
    EXPECT_TRUE(Must(ParseRecoveryKey(AsBytes(typed))).Equals(SampleSecret(32))) << typed;
  }
}

TEST(RecoveryKeyTest, WhatIsNoKeyIsWrongUsage) {
  const std::string key = kModhexOfSample;
  for (const std::string& typed :
       {std::string(), std::string("-"), key.substr(1), key + "c", "a" + key.substr(1),
        "0" + key.substr(1), key.substr(0, 40) + std::string(1, '\0') + key.substr(41), key + key,
        std::string(64, '\xff')}) {
    EXPECT_THAT(ParseRecoveryKey(AsBytes(typed)), FailsWith(Errc::kUsage, "not a recovery key"))
        << typed;
  }
}

class RecoverySlotTest : public testing::Test {
 protected:
  [[nodiscard]] std::string Certificate() const {
    RunCommand(
        "openssl req -x509 -nodes -subj /CN=Escrow -newkey ec -pkeyopt "
        "ec_paramgen_curve:P-256 -keyout " +
        directory_.PathOf("key.pem") + " -out " + directory_.PathOf("certificate.pem"));
    return directory_.Read("certificate.pem");
  }

  TemporaryDirectory directory_;
  const Secret kek_ = SampleSecret(32, 0x20);
};

TEST_F(RecoverySlotTest, ARecoveryKeyOpensItsSlotAsItIsTyped) {
  RecoverySlot slot = Must(MakeKeySlot(kek_, SampleSecret(32)));
  EXPECT_EQ(slot.kind, RecoveryKind::kKey);
  EXPECT_TRUE(Must(OpenRecoverySlot(slot, SecretOf(kModhexOfSample))).Equals(kek_));
  EXPECT_TRUE(
      Must(OpenRecoverySlot(slot, SecretOf(std::string(kModhexOfSample) + "\n"))).Equals(kek_));
}

TEST_F(RecoverySlotTest, AnotherRecoveryKeyDoesNotOpenIt) {
  RecoverySlot slot = Must(MakeKeySlot(kek_, SampleSecret(32)));
  Secret other = Must(FormatRecoveryKey(SampleSecret(32, 2)));
  EXPECT_THAT(OpenRecoverySlot(slot, other), FailsWith(Errc::kBadKeyFile));
  EXPECT_THAT(OpenRecoverySlot(slot, SecretOf("no key")), FailsWith(Errc::kUsage));
}

TEST_F(RecoverySlotTest, APassphraseOpensItsSlot) {
  RecoverySlot slot = Must(MakePassphraseSlot(kek_, SecretOf("a long passphrase")));
  EXPECT_EQ(slot.kind, RecoveryKind::kPassphrase);
  EXPECT_TRUE(Must(OpenRecoverySlot(slot, SecretOf("a long passphrase"))).Equals(kek_));
  Result<Secret> opened = OpenRecoverySlot(slot, SecretOf("a long passphrasf"));
  EXPECT_FALSE(opened && opened->Equals(kek_));
}

TEST_F(RecoverySlotTest, NothingThatIsTypedOpensAnEscrowSlot) {
  RecoverySlot slot = Must(MakeEscrowSlot(kek_, Certificate()));
  EXPECT_EQ(slot.kind, RecoveryKind::kEscrow);
  EXPECT_EQ(slot.issuer, "/CN=Escrow");
  EXPECT_THAT(OpenRecoverySlot(slot, SecretOf(kModhexOfSample)),
              FailsWith(Errc::kUsage, "private key"));
}

TEST_F(RecoverySlotTest, EveryKindIsReadBackAndHasAWord) {
  Bytes quick = Must(EncryptToPassphrase(kek_, SecretOf("a long passphrase"), 1000));
  for (const RecoverySlot& slot :
       {Must(MakeKeySlot(kek_, SampleSecret(32))), Must(ReadRecoverySlot(quick)),
        Must(MakeEscrowSlot(kek_, Certificate()))}) {
    RecoverySlot read = Must(ReadRecoverySlot(slot.kek_cms));
    EXPECT_EQ(read.kind, slot.kind);
    EXPECT_EQ(read.kek_cms, slot.kek_cms);
    EXPECT_EQ(read.issuer, slot.issuer);
  }
  EXPECT_STREQ(ToWord(RecoveryKind::kKey), "recovery-key");
  EXPECT_STREQ(ToWord(RecoveryKind::kPassphrase), "recovery-passphrase");
  EXPECT_STREQ(ToWord(RecoveryKind::kEscrow), "escrow");
}

TEST_F(RecoverySlotTest, AMessageForAnotherKeyIsNoRecoverySlot) {
  Bytes cms = Must(EncryptToKey(kek_, SampleSecret(32), AsBytes("another key")));
  EXPECT_THAT(ReadRecoverySlot(cms), FailsWith(Errc::kBadKeyFile, "unknown key"));
  EXPECT_THAT(ReadRecoverySlot(Bytes(40)), FailsWith(Errc::kBadKeyFile));
}

/// The line of doc/recovery.md.
TEST_F(RecoverySlotTest, StockOpensslOpensTheSlotOfARecoveryKey) {
  std::string cms =
      directory_.Write("cms", AsText(Must(MakeKeySlot(kek_, SampleSecret(32))).kek_cms));
  EXPECT_EQ(RunCommand("openssl cms -decrypt -inform DER -in " + cms + " -secretkey " +
                       Translate(kModhexOfSample) + " -secretkeyid " +
                       ToHex(AsBytes("nvunlock recovery key"))),
            AsText(kek_.bytes()));
}

}  // namespace
}  // namespace nvunlock
