// SPDX-License-Identifier: Apache-2.0
#include "src/crypto/hash.h"

#include <gtest/gtest.h>

#include <string>

#include "test/unit/support/byte_strings.h"

namespace nvunlock {
namespace {

TEST(Sha256Test, AgreesWithFips180) {
  EXPECT_EQ(ToHex(Sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(ToHex(Sha256({AsBytes("abc")})),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(ToHex(Sha256({AsBytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")})),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(ToHex(Sha256({AsBytes(std::string(1000000, 'a'))})),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, PartsCountAsOneText) {
  EXPECT_EQ(Sha256({AsBytes("a"), {}, AsBytes("bc")}), Sha256({AsBytes("abc")}));
}

struct HmacVector {
  Bytes key;
  Bytes text;
  const char* mac;
};

/// RFC 4231, test cases 1 to 4, 6 and 7 (5 is about truncation).
const HmacVector kHmacVectors[] = {
    {Bytes(20, 0x0b), Copy(AsBytes("Hi There")),
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {Copy(AsBytes("Jefe")), Copy(AsBytes("what do ya want for nothing?")),
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {Bytes(20, 0xaa), Bytes(50, 0xdd),
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {Hex("0102030405060708090a0b0c0d0e0f10111213141516171819"), Bytes(50, 0xcd),
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {Bytes(131, 0xaa), Copy(AsBytes("Test Using Larger Than Block-Size Key - Hash Key First")),
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {Bytes(131, 0xaa),
     Copy(AsBytes("This is a test using a larger than block-size key and a larger than block-size "
                  "data. The key needs to be hashed before being used by the HMAC algorithm.")),
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

TEST(HmacSha256Test, AgreesWithRfc4231) {
  for (const HmacVector& vector : kHmacVectors) {
    EXPECT_EQ(ToHex(HmacSha256(vector.key, {vector.text})), vector.mac);
  }
}

TEST(HmacSha256Test, PartsCountAsOneText) {
  Bytes key(20, 0x0b);
  EXPECT_EQ(HmacSha256(key, {AsBytes("Hi "), {}, AsBytes("There")}),
            HmacSha256(key, {AsBytes("Hi There")}));
}

TEST(HkdfSha256Test, AgreesWithRfc5869WithoutSalt) {
  Secret output = Must(HkdfSha256(Bytes(22, 0x0b), "", 42));
  EXPECT_EQ(ToHex(output.bytes()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
            "9d201395faa4b61a96c8");
}

/// RFC 5869, 2.2 and 2.3: T(1) = HMAC(PRK, info | 1), T(2) = HMAC(PRK, T(1) | info | 2).
TEST(HkdfSha256Test, InfoGoesIntoEveryBlock) {
  Bytes key = Hex("00112233");
  Sha256Digest prk = HmacSha256(Bytes(32, 0), {key});
  Sha256Digest first = HmacSha256(prk, {AsBytes("info"), Hex("01")});
  Sha256Digest second = HmacSha256(prk, {first, AsBytes("info"), Hex("02")});
  EXPECT_EQ(Copy(Must(HkdfSha256(key, "info", 64)).bytes()), Concatenate({first, second}));
}

TEST(HkdfSha256Test, FailsForMoreThan255Blocks) {
  EXPECT_THAT(HkdfSha256(Hex("00"), "info", 255 * 32), Succeeds());
  EXPECT_THAT(HkdfSha256(Hex("00"), "info", 255 * 32 + 1), FailsWith(Errc::kFailed));
}

TEST(EqualInConstantTimeTest, ComparesAllBytesAndTheSize) {
  EXPECT_TRUE(EqualInConstantTime({}, {}));
  EXPECT_TRUE(EqualInConstantTime(Hex("0102"), Hex("0102")));
  EXPECT_FALSE(EqualInConstantTime(Hex("0102"), Hex("0103")));
  EXPECT_FALSE(EqualInConstantTime(Hex("0102"), Hex("0002")));
  EXPECT_FALSE(EqualInConstantTime(Hex("0102"), Hex("010200")));
}

}  // namespace
}  // namespace nvunlock
