// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/drop_keys.h"

#include <gtest/gtest.h>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/kernel_keys.h"
#include "test/unit/support/results.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

class DropKeysTest : public testing::Test {
 protected:
  DropKeysTest() { environment_.keyring = keys_.keyring().serial(); }

  void Add(const std::string& description) const {
    (void)Must(keys_.keyring().AddUser(description, SampleSecret(32, 1).bytes()));
  }

  /// A passphrase that is wrapped by user:nvdimm-master.
  void AddDimmKey(const std::string& description) const {
    std::string blob = keys_.MakeBlob("nvdimm-master");
    (void)Must(keys_.keyring().LoadEncrypted(description, blob));
  }

  [[nodiscard]] bool Holds(const char* type, const std::string& description) const {
    return Must(keys_.keyring().Find(type, description)).has_value();
  }

  TestKeyring keys_;
  TemporaryDirectory directory_;
  Environment environment_ = EnvironmentBelow(directory_.path());
};

TEST_F(DropKeysTest, KeksWithAKeyFileAndAllDimmKeysAndUpdateKeysGo) {
  directory_.Write("etc/ndctl/keys/nvdimm-master.pem", "");
  Add("nvdimm-master");
  Add("nvunlock-update:nvdimm-master");
  AddDimmKey("nvdimm:8089-a2-1740-00000133");
  AddDimmKey("nvdimm-master:8089-a2-1740-00000133");
  ASSERT_THAT(DropKeys(environment_), Succeeds());
  EXPECT_FALSE(Holds("user", "nvdimm-master"));
  EXPECT_FALSE(Holds("user", "nvunlock-update:nvdimm-master"));
  EXPECT_FALSE(Holds("encrypted", "nvdimm:8089-a2-1740-00000133"));
  EXPECT_FALSE(Holds("encrypted", "nvdimm-master:8089-a2-1740-00000133"));
}

TEST_F(DropKeysTest, KeysOfOthersStay) {
  directory_.Write("etc/ndctl/keys/nvdimm-master.pem", "");
  Add("nvdimm-master");
  Add("nvdimm-master-of-another");
  Add("cryptsetup");
  AddDimmKey("evm-key");
  ASSERT_THAT(DropKeys(environment_), Succeeds());
  EXPECT_TRUE(Holds("user", "nvdimm-master-of-another"));
  EXPECT_TRUE(Holds("user", "cryptsetup"));
  EXPECT_TRUE(Holds("encrypted", "evm-key"));
}

TEST_F(DropKeysTest, AnEmptyKeyringIsFine) {
  EXPECT_THAT(DropKeys(environment_), Succeeds());
}

TEST_F(DropKeysTest, DimmKeysGoAlsoWhereTheKeysDirectoryCannotBeRead) {
  directory_.Write("etc/ndctl/keys", "");
  Add("nvdimm-master");
  Add("nvunlock-update:nvdimm-master");
  AddDimmKey("nvdimm:8089-a2-1740-00000133");
  EXPECT_THAT(DropKeys(environment_), FailsWith(Errc::kFailed, "Not a directory"));
  EXPECT_FALSE(Holds("user", "nvunlock-update:nvdimm-master"));
  EXPECT_FALSE(Holds("encrypted", "nvdimm:8089-a2-1740-00000133"));
}

TEST_F(DropKeysTest, WhatIsNoKeyringIsAnError) {
  environment_.keyring = 1 << 30;
  EXPECT_THAT(DropKeys(environment_), FailsWith(Errc::kFailed, "list the keyring"));
}

}  // namespace
}  // namespace nvunlock
