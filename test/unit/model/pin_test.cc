// SPDX-License-Identifier: Apache-2.0
#include "src/model/pin.h"

#include <gmock/gmock.h>

#include "src/crypto/hash.h"
#include "test/unit/support/byte_strings.h"

namespace nvunlock {
namespace {

using testing::SizeIs;

ScryptParameters CheapParameters() {
  return {.salt = Bytes(16, 7), .cost = 16};
}

TEST(PinTest, EverySaltIsAnother) {
  ScryptParameters one = Must(MakeScryptParameters());
  EXPECT_THAT(one.salt, SizeIs(16));
  EXPECT_NE(one.salt, Must(MakeScryptParameters()).salt);
  EXPECT_EQ(one.cost, ScryptParameters().cost);
}

TEST(PinTest, TheKeysArePartOfTheFormat) {
  PinKeys keys = Must(DerivePinKeys(SecretOf("1234"), CheapParameters()));
  Secret stretched = Must(Scrypt(SecretOf("1234"), CheapParameters(), 32));
  EXPECT_TRUE(keys.auth_value.Equals(Must(HkdfSha256(stretched.bytes(), "nvunlock pin auth", 32))));
  EXPECT_TRUE(keys.wrapping.Equals(Must(HkdfSha256(stretched.bytes(), "nvunlock pin wrap", 32))));
}

/// A TPM that gives away the authorization value gives away nothing about the other key.
TEST(PinTest, TheTwoKeysDiffer) {
  PinKeys keys = Must(DerivePinKeys(SecretOf("1234"), CheapParameters()));
  EXPECT_FALSE(keys.auth_value.Equals(keys.wrapping));
}

TEST(PinTest, AnotherPinOrSaltMakesOtherKeys) {
  PinKeys keys = Must(DerivePinKeys(SecretOf("1234"), CheapParameters()));
  PinKeys other_pin = Must(DerivePinKeys(SecretOf("1235"), CheapParameters()));
  ScryptParameters other_salt = CheapParameters();
  other_salt.salt[0] ^= 1;
  PinKeys salted = Must(DerivePinKeys(SecretOf("1234"), other_salt));
  for (const PinKeys* other : {&other_pin, &salted}) {
    EXPECT_FALSE(keys.auth_value.Equals(other->auth_value));
    EXPECT_FALSE(keys.wrapping.Equals(other->wrapping));
  }
}

}  // namespace
}  // namespace nvunlock
