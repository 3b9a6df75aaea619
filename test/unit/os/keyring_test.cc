// SPDX-License-Identifier: Apache-2.0
#include "src/os/keyring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <thread>

#include "src/model/enc32.h"
#include "test/unit/support/byte_strings.h"
#include "test/unit/support/kernel_keys.h"

namespace nvunlock {
namespace {

using testing::ExitedWithCode;

constexpr char kKek[] = "nvunlock-test-kek";
constexpr char kDimmKey[] = "nvdimm:8089-a2-1740-00000133";

class KeyringTest : public testing::Test {
 protected:
  [[nodiscard]] const Keyring& keyring() const { return test_keyring_.keyring(); }
  [[nodiscard]] std::string MakeBlob() const { return test_keyring_.MakeBlob(kKek); }

  [[nodiscard]] Key AddKek(uint8_t first_byte = 1) const {
    return Must(keyring().AddUser(kKek, SampleSecret(32, first_byte).bytes()));
  }

  [[nodiscard]] bool Holds(const char* type, const std::string& description) const {
    return Must(keyring().Find(type, description)).has_value();
  }

 private:
  TestKeyring test_keyring_;
};

TEST_F(KeyringTest, AKeyThatWasAddedIsFoundAndReadBack) {
  Key key = Must(keyring().AddUser("nvunlock-test", AsBytes("payload")));
  std::optional<Key> found = Must(keyring().Find("user", "nvunlock-test"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->serial(), key.serial());
  EXPECT_EQ(PayloadOf(*found), "payload");
}

TEST_F(KeyringTest, PayloadsOfUpToTheKernelsLimitAreRead) {
  std::string payload(32767, 'x');
  EXPECT_EQ(PayloadOf(Must(keyring().AddUser("nvunlock-test", AsBytes(payload)))), payload);
}

TEST_F(KeyringTest, AMissingKeyIsNoError) {
  EXPECT_FALSE(Holds("user", "nvunlock-test"));
}

TEST_F(KeyringTest, AKeyOfAnotherTypeIsAnotherKey) {
  (void)Must(keyring().AddUser("nvunlock-test", AsBytes("payload")));
  EXPECT_FALSE(Holds("logon", "nvunlock-test"));
}

TEST_F(KeyringTest, WhatIsNotAKeyringIsAnError) {
  Keyring not_a_keyring(Must(keyring().AddUser("nvunlock-test", AsBytes("payload"))).serial());
  EXPECT_THAT(not_a_keyring.Find("user", "x"), FailsWith(Errc::kFailed, "search"));
  EXPECT_THAT(not_a_keyring.AddUser("x", AsBytes("y")), FailsWith(Errc::kFailed, "add key"));
}

TEST_F(KeyringTest, AnExpiredKeyIsNotFound) {
  Key key = Must(keyring().AddUser("nvunlock-test", AsBytes("payload")));
  ASSERT_THAT(key.ExpireAfter(1), Succeeds());
  EXPECT_TRUE(Holds("user", "nvunlock-test"));
  std::this_thread::sleep_for(std::chrono::milliseconds(2100));
  EXPECT_FALSE(Holds("user", "nvunlock-test"));
}

TEST_F(KeyringTest, AnInvalidatedKeyIsGone) {
  Key key = Must(keyring().AddUser("nvunlock-test", AsBytes("payload")));
  ASSERT_THAT(key.Invalidate(), Succeeds());
  EXPECT_FALSE(Holds("user", "nvunlock-test"));
  EXPECT_THAT(key.Read(), FailsWith(Errc::kFailed));
}

TEST_F(KeyringTest, ARevokedKeyIsNotFound) {
  Key key = Must(keyring().AddUser("nvunlock-test", AsBytes("payload")));
  keyctl_revoke(key.serial());
  EXPECT_FALSE(Holds("user", "nvunlock-test"));
}

TEST_F(KeyringTest, ABlobThatTheKernelMadeIsLoadedAndReadBack) {
  (void)AddKek();
  std::string blob = MakeBlob();
  EXPECT_EQ(PayloadOf(Must(keyring().LoadEncrypted(kDimmKey, blob))), blob);
  EXPECT_TRUE(Holds("encrypted", kDimmKey));
}

TEST_F(KeyringTest, ABlobOfAnotherKekIsRefused) {
  Key kek = AddKek();
  std::string blob = MakeBlob();
  ASSERT_THAT(kek.Invalidate(), Succeeds());
  (void)AddKek(/*first_byte=*/2);
  EXPECT_THAT(keyring().LoadEncrypted(kDimmKey, blob),
              FailsWith(Errc::kFailed, "wrapped by another kek"));
}

TEST_F(KeyringTest, ADamagedBlobIsRefused) {
  (void)AddKek();
  const std::string blob = MakeBlob();
  std::string flipped = blob;
  flipped.back() = flipped.back() == '0' ? '1' : '0';
  for (const std::string& damaged : {flipped, blob + "\n", blob.substr(0, blob.size() - 1)}) {
    EXPECT_THAT(keyring().LoadEncrypted(kDimmKey, damaged),
                FailsWith(Errc::kFailed, "the kernel refused the blob"));
  }
  EXPECT_FALSE(Holds("encrypted", kDimmKey));
}

TEST_F(KeyringTest, ABlobWithoutItsKekIsRefused) {
  Key kek = AddKek();
  std::string blob = MakeBlob();
  ASSERT_THAT(kek.Invalidate(), Succeeds());
  EXPECT_THAT(keyring().LoadEncrypted(kDimmKey, blob),
              FailsWith(Errc::kFailed, "its kek is not in the keyring"));
}

TEST_F(KeyringTest, AKeyThatIsThereIsNotLoadedAgain) {
  (void)AddKek();
  std::string blob = MakeBlob();
  ASSERT_THAT(keyring().LoadEncrypted(kDimmKey, blob), Succeeds());
  EXPECT_THAT(keyring().LoadEncrypted(kDimmKey, blob), FailsWith(Errc::kFailed, "already loaded"));
}

/// Whether another process of the same user and session can do anything to KEY.
bool IsOutOfReach(const Key& key) {
  char description[100];
  return !key.Read() && keyctl_describe(key.serial(), description, sizeof(description)) < 0 &&
         keyctl_link(key.serial(), KEY_SPEC_SESSION_KEYRING) < 0 &&
         keyctl_setperm(key.serial(), KEY_POS_ALL) < 0 && keyctl_revoke(key.serial()) < 0;
}

TEST_F(KeyringTest, ARestrictedKekIsOutOfReachOfOtherProcesses) {
  Key kek = Must(Keyring::Process().AddUser(kKek, SampleSecret(32).bytes()));
  auto check = [&] { _exit(IsOutOfReach(kek) ? 0 : 1); };
  EXPECT_EXIT(check(), ExitedWithCode(1), "");
  ASSERT_THAT(RestrictToSearch(kek), Succeeds());
  EXPECT_EXIT(check(), ExitedWithCode(0), "");
}

TEST_F(KeyringTest, ARestrictedKekStillOpensBlobs) {
  Key visible = AddKek();
  std::string blob = MakeBlob();
  ASSERT_THAT(visible.Invalidate(), Succeeds());

  Key kek = Must(Keyring::Process().AddUser(kKek, SampleSecret(32).bytes()));
  ASSERT_THAT(RestrictToSearch(kek), Succeeds());
  EXPECT_LT(keyctl_setperm(kek.serial(), KEY_POS_ALL), 0);
  EXPECT_LT(keyctl_link(kek.serial(), keyring().serial()), 0);
  EXPECT_THAT(keyring().LoadEncrypted(kDimmKey, blob), Succeeds());
}

TEST_F(KeyringTest, ARestrictedKekCanStillBeInvalidated) {
  Key kek = Must(Keyring::Process().AddUser(kKek, SampleSecret(32).bytes()));
  ASSERT_THAT(RestrictToSearch(kek), Succeeds());
  EXPECT_THAT(kek.Invalidate(), Succeeds());
  EXPECT_FALSE(Must(Keyring::Process().Find("user", kKek)).has_value());
}

/// In a process of its own: all tests would get its session.
TEST_F(KeyringTest, TheSessionThatIsJoinedHoldsTheKeyring) {
  auto check = [] {
    if (!JoinSessionWith(Keyring::User())) _exit(1);
    key_serial_t links[8] = {};
    keyctl_read(KEY_SPEC_SESSION_KEYRING, reinterpret_cast<char*>(links), sizeof(links));
    key_serial_t user = keyctl_get_keyring_ID(KEY_SPEC_USER_KEYRING, 0);
    _exit(std::find(std::begin(links), std::end(links), user) != std::end(links) ? 0 : 2);
  };
  EXPECT_EXIT(check(), ExitedWithCode(0), "");
}

using EncryptedKeyTest = KeyringTest;

TEST_F(EncryptedKeyTest, ANewOneIsARandomPassphraseUnderTheKek) {
  (void)AddKek();
  Key first = Must(keyring().NewEncrypted("nvunlock-test-1", "user:nvunlock-test-kek"));
  Key second = Must(keyring().NewEncrypted("nvunlock-test-2", "user:nvunlock-test-kek"));
  for (const Key& key : {first, second}) {
    Enc32Blob blob = Must(ParseEnc32(PayloadOf(key)));
    EXPECT_EQ(blob.kek.description, kKek);
    EXPECT_TRUE(VerifyEnc32(blob, SampleSecret(32)));
  }
  EXPECT_NE(PayloadOf(first), PayloadOf(second));
}

/// The kernel asks for it only when the blob is read.
TEST_F(EncryptedKeyTest, ANewOneCannotBeReadWithoutItsKek) {
  Key key = Must(keyring().NewEncrypted("nvunlock-test", "user:nvunlock-test-kek"));
  EXPECT_THAT(key.Read(), FailsWith(Errc::kFailed, "Required key not available"));
}

TEST_F(EncryptedKeyTest, WhatIsNoKeksNameIsRefused) {
  EXPECT_THAT(keyring().NewEncrypted("nvunlock-test", "nvunlock-test-kek"),
              FailsWith(Errc::kFailed, "make key nvunlock-test"));
}

TEST_F(EncryptedKeyTest, RewrappingKeepsThePassphrase) {
  (void)AddKek();
  const Secret other = SampleSecret(32, 0x50);
  (void)Must(keyring().AddUser("nvunlock-test-other", other.bytes()));
  Key key = Must(keyring().NewEncrypted("nvunlock-test", "user:nvunlock-test-kek"));
  std::string before = PayloadOf(key);
  ASSERT_THAT(key.Rewrap("user:nvunlock-test-other"), Succeeds());
  Enc32Blob rewrapped = Must(ParseEnc32(PayloadOf(key)));
  EXPECT_EQ(rewrapped.kek.description, "nvunlock-test-other");
  EXPECT_TRUE(VerifyEnc32(rewrapped, other));
  ASSERT_THAT(key.Rewrap("user:nvunlock-test-kek"), Succeeds());
  EXPECT_EQ(PayloadOf(key), before);
}

TEST_F(EncryptedKeyTest, RewrappingUnderAKekOfAnotherTypeChangesNothing) {
  (void)AddKek();
  Key key = Must(keyring().NewEncrypted("nvunlock-test", "user:nvunlock-test-kek"));
  std::string before = PayloadOf(key);
  EXPECT_THAT(key.Rewrap("trusted:nvunlock-test-kek"),
              FailsWith(Errc::kFailed, "wrap a key under trusted:nvunlock-test-kek"));
  EXPECT_EQ(PayloadOf(key), before);
}

}  // namespace
}  // namespace nvunlock
