// SPDX-License-Identifier: Apache-2.0
#include "src/model/key_file.h"

#include <gmock/gmock.h>

#include <string>

#include "src/model/pem.h"
#include "test/unit/support/byte_strings.h"
#include "test/unit/support/key_file_sample.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

using testing::SizeIs;

TEST(KekCheckValueTest, TellsKeksApartAndIsPartOfTheFormat) {
  EXPECT_NE(Must(KekCheckValue(SampleSecret(32))), Must(KekCheckValue(SampleSecret(32, 2))));
  EXPECT_EQ(Must(KekCheckValue(SampleSecret(32))),
            Copy(Must(HkdfSha256(SampleSecret(32).bytes(), "check", 16)).bytes()));
}

TEST(KeyFileTest, IsReadBack) {
  KeyFile file = Must(ParseKeyFile(SampleKeyFileText()));
  EXPECT_EQ(file.kek, (KekName{"user", "nvdimm-master"}));
  EXPECT_EQ(file.check_value, SampleKeyFile().check_value);
  ASSERT_THAT(file.slots, SizeIs(1));
  EXPECT_EQ(PolicyDigest(file.slots[0].key.policy), PolicyDigest(SamplePolicy()));
  EXPECT_EQ(NameOf(file.slots[0].parent), NameOf(SampleParent()));
  EXPECT_EQ(file.slots[0].key.sealed.public_area, SampleSealedObject().public_area);
  EXPECT_EQ(file.slots[0].key.sealed.private_area, SampleSealedObject().private_area);
}

TEST(KeyFileTest, HoldsNothingSecretInClear) {
  std::string text = SampleKeyFileText();
  std::vector<PemBlock> blocks = Must(ParsePem(text));
  for (const Bytes& secret : {Copy(SampleKek().bytes()), Copy(SampleSlotSecret().bytes())}) {
    for (const PemBlock& block : blocks) EXPECT_FALSE(ContainsBytes(block.der, secret));
    EXPECT_EQ(text.find(ToHex(secret)), std::string::npos);
  }
}

TEST(KeyFileTest, SlotsKeepTheirOrder) {
  KeyFile file = SampleKeyFile();
  file.slots.push_back(SampleSlot());
  file.slots[1].key.parent_handle = 0x81000002;
  KeyFile read_back = Must(ParseKeyFile(Must(FormatKeyFile(file))));
  ASSERT_THAT(read_back.slots, SizeIs(2));
  EXPECT_EQ(read_back.slots[0].key.parent_handle, 0x81000001U);
  EXPECT_EQ(read_back.slots[1].key.parent_handle, 0x81000002U);
}

TEST(KeyFileTest, BlocksOfLaterVersionsAreSkipped) {
  std::string foreign = FormatPem("FUTURE KIND OF SLOT", Bytes(10)) + FormatPem("CMS", Bytes(10));
  std::string text = foreign + SampleKeyFileText() + foreign;
  EXPECT_THAT(Must(ParseKeyFile(text)).slots, SizeIs(1));
}

TEST(OpenSlotTest, TheSlotSecretOpensTheKek) {
  KeyFile file = SampleKeyFile();
  EXPECT_TRUE(Must(OpenSlot(file, file.slots[0], SampleSlotSecret())).Equals(SampleKek()));
}

TEST(OpenSlotTest, AnotherSecretDoesNot) {
  KeyFile file = SampleKeyFile();
  EXPECT_THAT(OpenSlot(file, file.slots[0], SampleSecret(32, 0xa1)), FailsWith(Errc::kBadKeyFile));
}

TEST(OpenSlotTest, AKekOfAnotherFileIsNotTaken) {
  KeyFile file = SampleKeyFile();
  file.check_value[0] ^= 1;
  EXPECT_THAT(OpenSlot(file, file.slots[0], SampleSlotSecret()),
              FailsWith(Errc::kBadKeyFile, "kek-check"));
}

TEST(OpenSlotTest, AMessageMadeForAnotherSealedObjectIsNotTaken) {
  KeyFile file = SampleKeyFile();
  TPM2B_PUBLIC other = Must(UnmarshalPublic(file.slots[0].key.sealed.public_area));
  other.publicArea.unique.keyedHash.buffer[0] ^= 1;
  file.slots[0].key.sealed.public_area = MarshalPublic(other);
  EXPECT_THAT(OpenSlot(file, file.slots[0], SampleSlotSecret()), FailsWith(Errc::kBadKeyFile));
}

}  // namespace
}  // namespace nvunlock
