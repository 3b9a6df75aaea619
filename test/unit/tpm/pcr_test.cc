// SPDX-License-Identifier: Apache-2.0
#include "tpm/pcr.h"

#include <gmock/gmock.h>

#include "src/crypto/hash.h"
#include "test/unit/support/byte_strings.h"
#include "test/unit/support/fake_tpm.h"
#include "test/unit/support/swtpm.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

constexpr uint32_t kAllPcrs = 0xffffff;

std::vector<std::string> NamesOf(const std::vector<const PcrBank*>& banks) {
  std::vector<std::string> names;
  for (const PcrBank* bank : banks) names.emplace_back(bank->name);
  return names;
}

TEST(PcrBankTest, IsFoundByNameAndByAlgorithm) {
  const PcrBank* sha384 = FindPcrBank("sha384");
  ASSERT_NE(sha384, nullptr);
  EXPECT_EQ(sha384->algorithm, TPM2_ALG_SHA384);
  EXPECT_EQ(sha384->digest_size, 48U);
  EXPECT_EQ(FindPcrBank(TPM2_ALG_SHA384), sha384);
}

TEST(PcrBankTest, UnknownOnesAreNotFound) {
  EXPECT_EQ(FindPcrBank("SHA256"), nullptr);
  EXPECT_EQ(FindPcrBank("md5"), nullptr);
  EXPECT_EQ(FindPcrBank(""), nullptr);
  EXPECT_EQ(FindPcrBank(TPM2_ALG_SM3_256), nullptr);
}

TEST(PcrBankTest, StrongerBanksArePreferredToSha1) {
  EXPECT_STREQ(KnownPcrBanks().front().name, "sha256");
  EXPECT_STREQ(KnownPcrBanks().back().name, "sha1");
}

TEST(PcrSelectionTest, SelectsBitNForPcrN) {
  TPMS_PCR_SELECTION selection = SelectPcrs(Sha256Bank(), 1U << 0 | 1U << 11 | 1U << 23);
  EXPECT_EQ(selection.hash, TPM2_ALG_SHA256);
  EXPECT_EQ(selection.sizeofSelect, 3);
  EXPECT_THAT(std::vector<BYTE>(selection.pcrSelect, selection.pcrSelect + 3),
              ElementsAre(0x01, 0x08, 0x80));
}

TEST(PcrSelectionTest, MaskOfIsTheInverse) {
  for (uint32_t mask : {0U, 1U, 0x800880U, kAllPcrs}) {
    EXPECT_EQ(MaskOf(SelectPcrs(Sha256Bank(), mask)), mask);
  }
}

TEST(PcrSelectionTest, MaskOfDoesNotLookBehindTheSelection) {
  TPMS_PCR_SELECTION selection = SelectPcrs(Sha256Bank(), kAllPcrs);
  selection.sizeofSelect = 1;
  EXPECT_EQ(MaskOf(selection), 0xffU);
}

class PcrTest : public SwtpmTest {};

TEST_F(PcrTest, ReadsAllPcrsOfABankThoughATpmGivesAFewAtATime) {
  Tpm tpm = ConnectTo(swtpm());
  PcrValues values = Must(ReadPcrs(tpm, Sha256Bank(), kAllPcrs));
  EXPECT_THAT(values, SizeIs(24));
  for (const auto& [pcr, value] : values) EXPECT_THAT(value, SizeIs(32)) << pcr;
  EXPECT_EQ(values[17], Bytes(32, 0xff));  // the DRTM PCRs start with ones
}

TEST_F(PcrTest, ReadsOnlyWhatIsAskedFor) {
  Tpm tpm = ConnectTo(swtpm());
  EXPECT_THAT(Must(ReadPcrs(tpm, Sha256Bank(), 1U << 7 | 1U << 11)),
              ElementsAre(testing::Key(7), testing::Key(11)));
  EXPECT_THAT(Must(ReadPcrs(tpm, Sha256Bank(), 0)), SizeIs(0));
}

TEST_F(PcrTest, SeesWhatIsExtended) {
  Tpm tpm = ConnectTo(swtpm());
  Bytes before = Must(ReadPcrs(tpm, Sha256Bank(), 1U << 8))[8];
  ExtendPcr(tpm, 8, Sha256Bank(), 0x5a);
  Bytes after = Must(ReadPcrs(tpm, Sha256Bank(), 1U << 8))[8];
  Sha256Digest expected = Sha256({before, Bytes(32, 0x5a)});
  EXPECT_EQ(after, Copy(expected));
}

TEST_F(PcrTest, EveryBankHasItsOwnValues) {
  Tpm tpm = ConnectTo(swtpm());
  const PcrBank& sha384 = *FindPcrBank("sha384");
  Bytes sha256_before = Must(ReadPcrs(tpm, Sha256Bank(), 1U << 9))[9];
  ExtendPcr(tpm, 9, sha384);
  EXPECT_EQ(Must(ReadPcrs(tpm, Sha256Bank(), 1U << 9))[9], sha256_before);
  EXPECT_NE(Must(ReadPcrs(tpm, sha384, 1U << 9))[9], Bytes(48));
}

TEST_F(PcrTest, ListsActiveBanksPreferredOnesFirst) {
  Tpm tpm = ConnectTo(swtpm());
  EXPECT_THAT(NamesOf(Must(ActivePcrBanks(tpm))),
              ElementsAre("sha256", "sha384", "sha512", "sha1"));
}

TEST(InactivePcrBankTest, IsNeitherListedNorRead) {
  Swtpm swtpm("sha384");
  Tpm tpm = ConnectTo(swtpm);
  EXPECT_THAT(NamesOf(Must(ActivePcrBanks(tpm))), ElementsAre("sha384"));
  EXPECT_THAT(ReadPcrs(tpm, *FindPcrBank("sha384"), 1), Succeeds());
  EXPECT_THAT(ReadPcrs(tpm, Sha256Bank(), 1),
              FailsWith(Errc::kFailed, "PCR bank sha256 is not active"));
}

/// The answer of TPM2_PCR_Read: values 0xaa for the PCRs of MASK.
Bytes PcrReadResponse(uint32_t counter, uint32_t mask, unsigned digests) {
  Bytes body = Concatenate({BigEndian(counter, 4), Hex("00000001000b03"), BigEndian(mask, 1),
                            Hex("0000"), BigEndian(digests, 4)});
  for (unsigned i = 0; i < digests; i++) body = Concatenate({body, Hex("0020"), Bytes(32, 0xaa)});
  return MakeResponse(TPM2_ST_NO_SESSIONS, 0, body);
}

Result<PcrValues> ReadPcr3From(const FakeTpm::Answer& answer) {
  FakeTpm fake(answer);
  Tpm tpm = Must(Tpm::Connect(fake.device()));
  return ReadPcrs(tpm, Sha256Bank(), 1U << 3);
}

TEST(OddPcrReadTest, TheUsualAnswerIsUnderstood) {
  auto answer = [](const Bytes&) { return FakeTpm::Pieces{PcrReadResponse(1, 1U << 3, 1)}; };
  EXPECT_THAT(ReadPcr3From(answer), Yields(PcrValues{{3, Bytes(32, 0xaa)}}));
}

TEST(OddPcrReadTest, FewerDigestsThanSelectedAreAWrongTpm) {
  auto answer = [](const Bytes&) { return FakeTpm::Pieces{PcrReadResponse(1, 1U << 3, 0)}; };
  EXPECT_THAT(ReadPcr3From(answer), FailsWith(Errc::kWrongTpm));
}

TEST(OddPcrReadTest, ValuesNobodyAskedForAreNotTaken) {
  auto answer = [](const Bytes&) { return FakeTpm::Pieces{PcrReadResponse(1, 0x18, 2)}; };
  Result<PcrValues> values = ReadPcr3From(answer);
  if (values) {
    EXPECT_THAT(*values, ElementsAre(testing::Key(3)));
  }
}

TEST(OddPcrReadTest, ATpmThatAnswersAboutOthersIsNotAskedForever) {
  auto answer = [](const Bytes&) { return FakeTpm::Pieces{PcrReadResponse(1, 0x10, 1)}; };
  EXPECT_THAT(ReadPcr3From(answer), testing::Not(Succeeds()));
}

}  // namespace
}  // namespace nvunlock
