// SPDX-License-Identifier: Apache-2.0
#include "src/crypto/scrypt.h"

#include <gmock/gmock.h>

#include "test/unit/support/byte_strings.h"

namespace nvunlock {
namespace {

ScryptParameters Parameters(std::string_view salt, uint64_t cost, uint64_t block_size,
                            uint64_t parallelization) {
  return {Copy(AsBytes(salt)), cost, block_size, parallelization};
}

TEST(ScryptTest, YieldsTheTestVectorsOfTheRfc) {
  EXPECT_EQ(ToHex(Must(Scrypt(SecretOf("password"), Parameters("NaCl", 1024, 8, 16), 64)).bytes()),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
            "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640");
  EXPECT_EQ(
      ToHex(Must(Scrypt(SecretOf("pleaseletmein"), Parameters("SodiumChloride", 16384, 8, 1), 64))
                .bytes()),
      "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
      "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887");
}

TEST(ScryptTest, TheDefaultsTake128MiB) {
  ScryptParameters parameters;
  EXPECT_EQ(128 * parameters.cost * parameters.block_size, 128U << 20);
  EXPECT_EQ(parameters.parallelization, 1U);
}

TEST(ScryptTest, CostsThatAreNoPowerOfTwoAreRefused) {
  EXPECT_THAT(Scrypt(SecretOf("password"), Parameters("NaCl", 1023, 8, 1), 32),
              FailsWith(Errc::kFailed));
}

TEST(ScryptParametersTest, AreTheSequenceOfTheRfc) {
  EXPECT_EQ(ToHex(Must(EncodeScryptParameters(Parameters("salt", 1 << 17, 8, 1)))),
            "3011"
            "040473616c74"
            "0203020000"
            "020108"
            "020101");
}

TEST(ScryptParametersTest, AreReadBack) {
  Bytes der = Must(EncodeScryptParameters(Parameters("sixteen of bytes", 1 << 20, 8, 3)));
  ScryptParameters decoded = Must(DecodeScryptParameters(der));
  EXPECT_EQ(AsText(decoded.salt), "sixteen of bytes");
  EXPECT_EQ(decoded.cost, uint64_t{1} << 20);
  EXPECT_EQ(decoded.block_size, 8U);
  EXPECT_EQ(decoded.parallelization, 3U);
}

TEST(ScryptParametersTest, WhatIsCutOrTooLongIsRefused) {
  Bytes der = Must(EncodeScryptParameters(Parameters("salt", 1 << 17, 8, 1)));
  for (size_t size = 0; size < der.size(); size++) {
    EXPECT_THAT(DecodeScryptParameters(ByteView(der).first(size)), FailsWith(Errc::kBadKeyFile));
  }
  der.push_back(0);
  EXPECT_THAT(DecodeScryptParameters(der), FailsWith(Errc::kBadKeyFile));
}

TEST(ScryptParametersTest, MoreThan1GiBIsRefused) {
  const ScryptParameters just = Parameters("salt", 1 << 20, 8, 1);
  EXPECT_THAT(DecodeScryptParameters(Must(EncodeScryptParameters(just))), Succeeds());
  for (const ScryptParameters& much :
       {Parameters("salt", 1 << 21, 8, 1), Parameters("salt", 1 << 20, 9, 1),
        Parameters("salt", uint64_t{1} << 63, 8, 1), Parameters("salt", 2, uint64_t{1} << 62, 1),
        Parameters("salt", uint64_t{1} << 57, uint64_t{1} << 60, 1),
        Parameters("salt", 1 << 17, 8, uint64_t{1} << 40)}) {
    EXPECT_THAT(DecodeScryptParameters(Must(EncodeScryptParameters(much))),
                FailsWith(Errc::kBadKeyFile))
        << much.cost << " " << much.block_size << " " << much.parallelization;
  }
}

TEST(ScryptParametersTest, ZerosAreRefused) {
  for (const ScryptParameters& zero :
       {Parameters("salt", 0, 8, 1), Parameters("salt", 1, 8, 1), Parameters("salt", 1024, 0, 1),
        Parameters("salt", 1024, 8, 0)}) {
    EXPECT_THAT(DecodeScryptParameters(Must(EncodeScryptParameters(zero))),
                FailsWith(Errc::kBadKeyFile));
  }
}

}  // namespace
}  // namespace nvunlock
