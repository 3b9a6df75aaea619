// SPDX-License-Identifier: Apache-2.0
// Key files with several ways to the kek: TPM slots, slots with a PIN, recovery slots, and blocks
// that this version cannot read.
#include <gmock/gmock.h>

#include <string>

#include "src/crypto/cms.h"
#include "src/model/key_file.h"
#include "src/model/pem.h"
#include "test/unit/support/byte_strings.h"
#include "test/unit/support/key_file_sample.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kPassphrase[] = "a long passphrase";

SlotPin SamplePin(std::string_view pin = "1234") {
  ScryptParameters cheap = {.salt = Bytes(16, 7), .cost = 16};
  return {cheap, Must(DerivePinKeys(SecretOf(pin), cheap))};
}

TpmSlot SampleSlotWithPin() {
  TpmSlot slot = SampleSlot();
  slot.key.policy.pin = true;
  SlotPin pin = SamplePin();
  slot.kek_cms = Must(EncryptKekForSlot(SampleKek(), SampleSlotSecret(), slot.key.sealed, &pin));
  slot.scrypt = pin.scrypt;
  return slot;
}

/// With a TPM slot and a recovery key.
KeyFile FileWithRecovery() {
  KeyFile file = SampleKeyFile();
  file.recovery.push_back(Must(MakeKeySlot(SampleKek(), SampleSecret(32))));
  return file;
}

/// As MakePassphraseSlot, but for the number of rounds.
RecoverySlot QuickPassphraseSlot() {
  return Must(
      ReadRecoverySlot(Must(EncryptToPassphrase(SampleKek(), SecretOf(kPassphrase), 1000))));
}

Secret SampleRecoveryKey(uint8_t first = 1) {
  return Must(FormatRecoveryKey(SampleSecret(32, first)));
}

KeyFile Reread(const KeyFile& file) {
  return Must(ParseKeyFile(Must(FormatKeyFile(file))));
}

TEST(KeyFileRecoveryTest, SlotsAreReadBackInTheirOrderAndEachOpens) {
  KeyFile written = FileWithRecovery();
  written.recovery.push_back(QuickPassphraseSlot());
  KeyFile file = Reread(written);
  EXPECT_THAT(file.problems, IsEmpty());
  ASSERT_THAT(file.slots, SizeIs(1));
  ASSERT_THAT(file.recovery, SizeIs(2));
  EXPECT_EQ(file.recovery[0].kind, RecoveryKind::kKey);
  EXPECT_EQ(file.recovery[1].kind, RecoveryKind::kPassphrase);
  EXPECT_TRUE(Must(OpenSlot(file, file.slots[0], SampleSlotSecret())).Equals(SampleKek()));
  EXPECT_TRUE(Must(OpenRecovery(file, SampleRecoveryKey())).Equals(SampleKek()));
  EXPECT_TRUE(Must(OpenRecovery(file, SecretOf(kPassphrase))).Equals(SampleKek()));
}

TEST(KeyFileRecoveryTest, WhatOpensNoSlotIsIncompleteKeys) {
  KeyFile file = FileWithRecovery();
  EXPECT_THAT(OpenRecovery(file, SampleRecoveryKey(2)),
              FailsWith(Errc::kKeysIncomplete, "opens no recovery slot"));
  EXPECT_THAT(OpenRecovery(file, SecretOf("another passphrase")),
              FailsWith(Errc::kKeysIncomplete, "opens no recovery slot"));
  EXPECT_THAT(OpenRecovery(SampleKeyFile(), SampleRecoveryKey()),
              FailsWith(Errc::kKeysIncomplete, "there is no recovery slot"));
}

TEST(KeyFileRecoveryTest, ARecoverySlotWithTheKekOfAnotherFileIsNotTaken) {
  KeyFile file = FileWithRecovery();
  file.check_value[0] ^= 1;
  EXPECT_THAT(OpenRecovery(file, SampleRecoveryKey()), FailsWith(Errc::kKeysIncomplete));
}

TEST(KeyFileRecoveryTest, AFileWithRecoverySlotsOnlyIsAKeyFile) {
  KeyFile file = FileWithRecovery();
  file.slots.clear();
  KeyFile read = Reread(file);
  EXPECT_THAT(read.slots, IsEmpty());
  EXPECT_TRUE(Must(OpenRecovery(read, SampleRecoveryKey())).Equals(SampleKek()));
}

TEST(KeyFileRecoveryTest, HoldsTheKekNowhereInClear) {
  for (const PemBlock& block : Must(ParsePem(Must(FormatKeyFile(FileWithRecovery()))))) {
    EXPECT_FALSE(ContainsBytes(block.der, SampleKek().bytes()));
  }
}

TEST(KeyFileRecoveryTest, ATruncatedFileNeverYieldsAnotherKek) {
  const std::string text = Must(FormatKeyFile(FileWithRecovery()));
  const size_t first_slot_ends = text.find("The kek encrypted to the recovery key");
  for (size_t size = 0; size < text.size(); size += 7) {
    Result<KeyFile> file = ParseKeyFile(text.substr(0, size));
    if (!file) {
      EXPECT_THAT(file, FailsWith(Errc::kBadKeyFile)) << size;
      continue;
    }
    EXPECT_GE(size, first_slot_ends - 20);
    EXPECT_TRUE(Must(OpenSlot(*file, file->slots.at(0), SampleSlotSecret())).Equals(SampleKek()));
  }
}

TEST(KeyFilePinTest, TheScryptParametersComeBackFromTheFile) {
  KeyFile file = SampleKeyFile();
  file.slots = {SampleSlotWithPin()};
  KeyFile read = Reread(file);
  EXPECT_TRUE(read.slots[0].key.policy.pin);
  ASSERT_TRUE(read.slots[0].scrypt);
  EXPECT_EQ(read.slots[0].scrypt->salt, SamplePin().scrypt.salt);
  EXPECT_EQ(read.slots[0].scrypt->cost, 16U);
}

TEST(KeyFilePinTest, ThePinOpensItTogetherWithTheSlotSecret) {
  KeyFile file = SampleKeyFile();
  TpmSlot slot = SampleSlotWithPin();
  SlotPin pin = SamplePin();
  EXPECT_TRUE(Must(OpenSlot(file, slot, SampleSlotSecret(), &pin.keys)).Equals(SampleKek()));
}

/// A TPM that gives away its secrets does not give away the kek.
TEST(KeyFilePinTest, TheSlotSecretAloneDoesNotOpenIt) {
  KeyFile file = SampleKeyFile();
  TpmSlot slot = SampleSlotWithPin();
  SlotPin wrong = SamplePin("1235");
  EXPECT_THAT(OpenSlot(file, slot, SampleSlotSecret()), FailsWith(Errc::kBadKeyFile));
  EXPECT_THAT(OpenSlot(file, slot, SampleSlotSecret(), &wrong.keys), FailsWith(Errc::kBadKeyFile));
}

TEST(KeyFilePinTest, ASlotWithAPinButWithoutScryptParametersCannotBeRead) {
  KeyFile file = FileWithRecovery();
  file.slots[0].key.policy.pin = true;
  KeyFile read = Reread(file);
  EXPECT_THAT(read.slots, IsEmpty());
  EXPECT_THAT(read.unreadable, SizeIs(3));
  EXPECT_THAT(read.problems, SizeIs(1));
}

class UnreadableBlocksTest : public testing::Test {
 protected:
  const PemBlock future_ = {"FUTURE KIND OF SLOT", Bytes(10, 1)};
  const PemBlock foreign_cms_ = {"CMS", Bytes(10, 2)};

  [[nodiscard]] std::string TextWithForeignBlocks() const {
    return FormatPem(future_.label, future_.der) + SampleKeyFileText() +
           FormatPem(foreign_cms_.label, foreign_cms_.der);
  }
};

TEST_F(UnreadableBlocksTest, ArePassedOverAndNamed) {
  KeyFile file = Must(ParseKeyFile(TextWithForeignBlocks()));
  EXPECT_THAT(file.slots, SizeIs(1));
  ASSERT_THAT(file.problems, SizeIs(2));
  EXPECT_THAT(file.problems[0].message, HasSubstr("FUTURE KIND OF SLOT"));
  EXPECT_THAT(file.problems[1].message, HasSubstr("CMS"));
}

TEST_F(UnreadableBlocksTest, AreKeptWhenTheFileIsWrittenAnew) {
  KeyFile once = Must(ParseKeyFile(TextWithForeignBlocks()));
  KeyFile twice = Reread(once);
  ASSERT_THAT(twice.unreadable, SizeIs(2));
  EXPECT_EQ(twice.unreadable[0].label, future_.label);
  EXPECT_EQ(twice.unreadable[0].der, future_.der);
  EXPECT_EQ(twice.unreadable[1].der, foreign_cms_.der);
  EXPECT_THAT(twice.slots, SizeIs(1));
}

/// All three of its blocks, so that the version that knows it can still open it.
TEST_F(UnreadableBlocksTest, AWholeTpmSlotThatIsNotKnownHereIsKept) {
  const PemBlock key = {"TSS2 PRIVATE KEY", Bytes(20, 3)};
  const PemBlock parent = {"TPM2 PARENT PUBLIC", MarshalPublic(SampleParent())};
  const PemBlock cms = {"CMS", SampleSlot().kek_cms};
  std::string text = SampleKeyFileText();
  for (const PemBlock* block : {&key, &parent, &cms}) text += FormatPem(block->label, block->der);
  KeyFile file = Reread(Must(ParseKeyFile(text)));
  EXPECT_THAT(file.slots, SizeIs(1));
  ASSERT_THAT(file.unreadable, SizeIs(3));
  EXPECT_EQ(file.unreadable[0].der, key.der);
  EXPECT_EQ(file.unreadable[2].der, cms.der);
}

TEST(DescribePolicyTest, NamesTheIndexAndThePin) {
  TpmSlot slot = SampleSlot();
  EXPECT_EQ(DescribePolicy(slot), "as approved in NV index 0x01804e57");
  slot.key.policy.pin = true;
  EXPECT_EQ(DescribePolicy(slot), "as approved in NV index 0x01804e57, PIN");
}

}  // namespace
}  // namespace nvunlock
