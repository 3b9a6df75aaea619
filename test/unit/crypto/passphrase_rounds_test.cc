// SPDX-License-Identifier: Apache-2.0
#include "src/crypto/passphrase_rounds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "src/crypto/cms.h"
#include "test/unit/support/byte_strings.h"
#include "test/unit/support/commands.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

Secret Passphrase() {
  return SecretOf("correct horse battery staple");
}

/// A message for a passphrase, whose rounds take three bytes.
const Bytes& Message() {
  static const Bytes der = Must(EncryptToPassphrase(SampleSecret(32), Passphrase(), 0x010000));
  return der;
}

struct Header {
  size_t size;         ///< of tag and length
  size_t length_size;  ///< of the bytes that hold the length, from offset 1 or 2 on
  size_t length;
};

Header ReadHeader(const Bytes& der, size_t at) {
  if (der[at + 1] < 0x80) return {2, 1, der[at + 1]};
  size_t bytes = der[at + 1] & 0x7fU;
  size_t length = 0;
  for (size_t i = 0; i < bytes; i++) length = length << 8 | der[at + 2 + i];
  return {2 + bytes, bytes, length};
}

/// Message() with a number of rounds of four bytes: all that encloses it grows by one.
Bytes WithRounds(uint32_t rounds) {
  const Bytes old_rounds = Hex("0203010000");
  Bytes der = Message();
  auto found = std::search(der.begin(), der.end(), old_rounds.begin(), old_rounds.end());
  const auto target = static_cast<size_t>(found - der.begin());
  for (size_t at = 0; at < target;) {
    Header header = ReadHeader(der, at);
    if (at + header.size + header.length <= target) {
      at += header.size + header.length;  // beside it
      continue;
    }
    der[at + header.size - 1]++;
    at += header.size;
  }
  Bytes new_rounds = Concatenate({Hex("0204"), BigEndian(rounds, 4)});
  der.erase(der.begin() + static_cast<ptrdiff_t>(target),
            der.begin() + static_cast<ptrdiff_t>(target + old_rounds.size()));
  der.insert(der.begin() + static_cast<ptrdiff_t>(target), new_rounds.begin(), new_rounds.end());
  return der;
}

TEST(PassphraseRoundsTest, WhatWeMakeIsBelowTheLimit) {
  EXPECT_THAT(CheckPassphraseRounds(Message()), Succeeds());
}

TEST(PassphraseRoundsTest, AHundredMillionAreTheLimit) {
  EXPECT_THAT(CheckPassphraseRounds(WithRounds(16'777'216)), Succeeds());
  EXPECT_THAT(CheckPassphraseRounds(WithRounds(100'000'000)), Succeeds());
  for (uint32_t rounds : {100'000'001U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
    EXPECT_THAT(CheckPassphraseRounds(WithRounds(rounds)),
                FailsWith(Errc::kBadKeyFile, "more than 100000000 rounds"))
        << rounds;
  }
}

/// A quarter of an hour, where nobody counts them first.
TEST(PassphraseRoundsTest, NobodyIsMadeToCountMore) {
  auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(DecryptWithPassphrase(WithRounds(0x7fffffff), Passphrase()),
              FailsWith(Errc::kBadKeyFile, "more than 100000000 rounds"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(PassphraseRoundsTest, MessagesForOthersAndDamagedOnesAreRefused) {
  Bytes for_key = Must(EncryptToKey(SampleSecret(32), SampleSecret(32), Hex("01")));
  EXPECT_THAT(CheckPassphraseRounds(for_key), FailsWith(Errc::kBadKeyFile, "not for one"));
  for (size_t size = 0; size < 60; size++) {
    EXPECT_THAT(CheckPassphraseRounds(ByteView(Message()).first(size)),
                FailsWith(Errc::kBadKeyFile))
        << size;
  }
}

/// Other ways to stretch a passphrase have costs of their own, and OpenSSL would try them.
TEST(PassphraseRoundsTest, AnythingButPbkdf2IsRefused) {
  const Bytes pbkdf2 = Hex("2a864886f70d01050c");
  Bytes der = Message();
  auto found = std::search(der.begin(), der.end(), pbkdf2.begin(), pbkdf2.end());
  ASSERT_NE(found, der.end());
  found[8] ^= 1;
  EXPECT_THAT(CheckPassphraseRounds(der), FailsWith(Errc::kBadKeyFile, "stretched by PBKDF2"));
}

/// Stock openssl writes the outer layers with indefinite lengths.
TEST(PassphraseRoundsTest, AMessageInBerOpens) {
  TemporaryDirectory directory;
  std::string content = directory.Write("content", "from openssl");
  RunCommand("openssl cms -encrypt -stream -binary -aes-256-cbc -outform DER -in " + content +
             " -out " + directory.PathOf("cms") + " -pwri_password 'correct horse battery staple'");
  Bytes ber = Copy(AsBytes(directory.Read("cms")));
  ASSERT_EQ(ber.at(1), 0x80);
  EXPECT_EQ(AsText(Must(DecryptWithPassphrase(ber, Passphrase())).bytes()), "from openssl");
}

}  // namespace
}  // namespace nvunlock
