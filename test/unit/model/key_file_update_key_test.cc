// SPDX-License-Identifier: Apache-2.0
// What a key file holds for approvals: the update key, and keys whose signatures may be approved.
#include <gmock/gmock.h>

#include "src/model/key_file.h"
#include "src/model/pem.h"
#include "test/unit/support/byte_strings.h"
#include "test/unit/support/key_file_sample.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

Secret SampleUpdateKey() {
  return SampleSecret(97, 0x40);
}

KeyFile FileWithUpdateKey() {
  KeyFile file = SampleKeyFile();
  file.update_key_cms = Must(EncryptUpdateKey(SampleUpdateKey(), SampleKek()));
  file.signers = {{.modulus = Bytes(256, 0xc5), .exponent = 65537},
                  {.modulus = Bytes(512, 0xd5), .exponent = 3}};
  return file;
}

KeyFile ReadBack(const KeyFile& file) {
  return Must(ParseKeyFile(Must(FormatKeyFile(file))));
}

TEST(KeyFileUpdateKeyTest, IsReadBackAndOpensWithTheKek) {
  KeyFile file = ReadBack(FileWithUpdateKey());
  EXPECT_THAT(file.problems, SizeIs(0));
  EXPECT_TRUE(Must(DecryptUpdateKey(file, SampleKek())).Equals(SampleUpdateKey()));
}

TEST(KeyFileUpdateKeyTest, ItsBlocksHaveTheirLabels) {
  std::vector<std::string> labels;
  for (const PemBlock& block : Must(ParsePem(Must(FormatKeyFile(FileWithUpdateKey()))))) {
    labels.push_back(block.label);
  }
  EXPECT_THAT(labels, ElementsAre("TSS2 PRIVATE KEY", "TPM2 PARENT PUBLIC", "CMS",
                                  "NVUNLOCK UPDATE KEY", "PUBLIC KEY", "PUBLIC KEY"));
}

TEST(KeyFileUpdateKeyTest, AnotherKekDoesNotOpenIt) {
  KeyFile file = FileWithUpdateKey();
  for (const Secret& kek : {SampleSecret(32, 0x21), SampleSlotSecret()}) {
    EXPECT_THAT(DecryptUpdateKey(file, kek), FailsWith(Errc::kBadKeyFile, "its update key"));
  }
}

TEST(KeyFileUpdateKeyTest, WithoutOneItSaysSo) {
  EXPECT_THAT(DecryptUpdateKey(SampleKeyFile(), SampleKek()),
              FailsWith(Errc::kBadKeyFile, "holds no update key"));
}

TEST(KeyFileUpdateKeyTest, NoChangedByteYieldsAnotherKey) {
  const KeyFile file = FileWithUpdateKey();
  for (size_t i = 0; i < file.update_key_cms.size(); i++) {
    KeyFile changed = file;
    changed.update_key_cms[i] ^= 1;
    Result<Secret> key = DecryptUpdateKey(changed, SampleKek());
    if (key) {
      EXPECT_TRUE(key->Equals(SampleUpdateKey())) << i;
    } else {
      EXPECT_THAT(key, FailsWith(Errc::kBadKeyFile)) << i;
    }
  }
}

/// Both are messages under keys made of a secret, but of another one and for another use.
TEST(KeyFileUpdateKeyTest, ASlotsMessageIsNoUpdateKey) {
  KeyFile file = FileWithUpdateKey();
  file.update_key_cms = file.slots[0].kek_cms;
  EXPECT_THAT(DecryptUpdateKey(file, SampleKek()), FailsWith(Errc::kBadKeyFile));
  Bytes of_slot_secret = Must(EncryptUpdateKey(SampleKek(), SampleSlotSecret()));
  file.slots[0].kek_cms = of_slot_secret;
  EXPECT_THAT(OpenSlot(file, file.slots[0], SampleSlotSecret()), FailsWith(Errc::kBadKeyFile));
}

TEST(KeyFileUpdateKeyTest, IsNowhereInClear) {
  for (const PemBlock& block : Must(ParsePem(Must(FormatKeyFile(FileWithUpdateKey()))))) {
    EXPECT_FALSE(ContainsBytes(block.der, SampleUpdateKey().bytes().first(32)));
    EXPECT_FALSE(ContainsBytes(block.der, SampleKek().bytes()));
  }
}

TEST(KeyFileSignersTest, AreReadBackInTheirOrder) {
  EXPECT_EQ(ReadBack(FileWithUpdateKey()).signers, FileWithUpdateKey().signers);
}

TEST(KeyFileSignersTest, OneThatIsNoRsaKeyIsAProblemAndKept) {
  std::string text = Must(FormatKeyFile(FileWithUpdateKey()));
  text += FormatPem("PUBLIC KEY", Bytes(20, 1)) + FormatPem("NVUNLOCK UPDATE KEX", Bytes(20, 1));
  KeyFile file = Must(ParseKeyFile(text));
  EXPECT_THAT(file.signers, SizeIs(2));
  EXPECT_THAT(file.problems, SizeIs(2));
  ASSERT_THAT(ReadBack(file).unreadable, SizeIs(2));
  EXPECT_THAT(file.problems[1].message, HasSubstr("NVUNLOCK UPDATE KEX"));
}

TEST(KeyFileSignersTest, NeitherIsAWayToTheKek) {
  KeyFile file = FileWithUpdateKey();
  file.slots.clear();
  EXPECT_THAT(ParseKeyFile(Must(FormatKeyFile(file))),
              FailsWith(Errc::kBadKeyFile, "it has no slot"));
}

/// `unlock` leaves the update key for the booted system.
TEST(KeyFileSignersTest, BothGoIntoImages) {
  KeyFile file = ForImage(FileWithUpdateKey(), /*with_passphrase=*/false);
  EXPECT_TRUE(Must(DecryptUpdateKey(file, SampleKek())).Equals(SampleUpdateKey()));
  EXPECT_THAT(file.signers, SizeIs(2));
}

}  // namespace
}  // namespace nvunlock
