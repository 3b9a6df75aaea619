// SPDX-License-Identifier: Apache-2.0
#include "src/seal/held_update_key.h"

#include <gmock/gmock.h>

#include "test/unit/support/kernel_keys.h"
#include "test/unit/support/key_file_sample.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

class HeldUpdateKeyTest : public testing::Test {
 protected:
  HeldUpdateKeyTest() { environment_.keyring = keys_.keyring().serial(); }

  static KeyFile FileOf(const UpdateKey& key, const std::string& name = "nvdimm-master") {
    KeyFile file = SampleKeyFile();
    file.kek.description = name;
    file.update_key_cms = Must(EncryptUpdateKey(Must(key.Export()), SampleKek()));
    return file;
  }

  [[nodiscard]] std::optional<UpdateKey> Find(const std::string& name = "nvdimm-master") const {
    return Must(FindHeldUpdateKey(environment_, {"user", name}));
  }

  [[nodiscard]] bool Holds(const std::string& description) const {
    return Must(keys_.keyring().Find("user", description)).has_value();
  }

  TestKeyring keys_;
  TemporaryDirectory directory_;
  Environment environment_ = EnvironmentBelow(directory_.path());
  UpdateKey key_ = Must(UpdateKey::Generate());
};

TEST_F(HeldUpdateKeyTest, IsFoundUnderTheNameOfItsKek) {
  EXPECT_FALSE(Find());
  ASSERT_THAT(HoldUpdateKey(environment_, FileOf(key_), SampleKek()), Succeeds());
  ASSERT_TRUE(Find());
  EXPECT_EQ(Find()->WritePolicy(), key_.WritePolicy());
  EXPECT_FALSE(Find("rack7"));
}

TEST_F(HeldUpdateKeyTest, TheKekIsNotLeftWithIt) {
  Must(HoldUpdateKey(environment_, FileOf(key_), SampleKek()));
  EXPECT_FALSE(Holds("nvdimm-master"));
  Key held = *Must(keys_.keyring().Find("user", "nvunlock-update:nvdimm-master"));
  EXPECT_FALSE(ContainsBytes(Must(held.Read()).bytes(), SampleKek().bytes()));
}

TEST_F(HeldUpdateKeyTest, ANewOneTakesThePlaceOfTheOld) {
  UpdateKey other = Must(UpdateKey::Generate());
  Must(HoldUpdateKey(environment_, FileOf(key_), SampleKek()));
  Must(HoldUpdateKey(environment_, FileOf(other), SampleKek()));
  EXPECT_EQ(Find()->WritePolicy(), other.WritePolicy());
}

TEST_F(HeldUpdateKeyTest, WithAnotherKekNothingIsHeld) {
  EXPECT_THAT(HoldUpdateKey(environment_, FileOf(key_), SampleSecret(32, 9)),
              FailsWith(Errc::kBadKeyFile));
  EXPECT_FALSE(Find());
  EXPECT_THAT(HoldUpdateKey(environment_, SampleKeyFile(), SampleKek()),
              FailsWith(Errc::kBadKeyFile, "no update key"));
}

TEST_F(HeldUpdateKeyTest, WhatIsNoKeyIsNotUsed) {
  (void)Must(keys_.keyring().AddUser("nvunlock-update:nvdimm-master", Bytes(97, 1)));
  EXPECT_THAT(FindHeldUpdateKey(environment_, {"user", "nvdimm-master"}),
              FailsWith(Errc::kBadKeyFile));
}

TEST_F(HeldUpdateKeyTest, AllAreDroppedAndNothingElse) {
  Must(HoldUpdateKey(environment_, FileOf(key_), SampleKek()));
  Must(HoldUpdateKey(environment_, FileOf(key_, "rack7"), SampleKek()));
  for (const char* other : {"nvdimm-master", "nvunlock-updates", "nvunlock"}) {
    (void)Must(keys_.keyring().AddUser(other, Bytes(32)));
  }
  ASSERT_THAT(DropUpdateKeys(environment_), Succeeds());
  EXPECT_FALSE(Find());
  EXPECT_FALSE(Find("rack7"));
  for (const char* other : {"nvdimm-master", "nvunlock-updates", "nvunlock"}) {
    EXPECT_TRUE(Holds(other)) << other;
  }
}

}  // namespace
}  // namespace nvunlock
