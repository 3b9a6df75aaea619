// SPDX-License-Identifier: Apache-2.0
// The order of the sources. Each by itself is in approve_keys_test.cc and reseal_test.cc.
#include "src/seal/kek_for_change.h"

#include <gmock/gmock.h>

#include "test/unit/support/kernel_keys.h"
#include "test/unit/support/key_file_sample.h"
#include "test/unit/support/swtpm.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

class KekForChangeTest : public SwtpmTest {
 protected:
  KekForChangeTest() {
    environment_.keyring = keys_.keyring().serial();
    file_.slots.clear();
    file_.recovery.push_back(Must(MakeKeySlot(SampleKek(), SampleSecret(32))));
  }

  Result<Secret> Obtain(const Questions& questions) {
    Tpm tpm = ConnectTo(swtpm());
    return ObtainKekForChange(environment_, tpm, file_, questions);
  }

  /// Somebody who has the recovery key.
  Questions WithRecoveryKey() {
    Questions questions;
    questions.recovery = [this](const KekName&, const Error& why) -> Result<Secret> {
      asked_.push_back(why.code);
      return FormatRecoveryKey(SampleSecret(32));
    };
    return questions;
  }

  void AddToKeyring(const Secret& kek) const {
    (void)Must(keys_.keyring().AddUser("nvdimm-master", kek.bytes()));
  }

  TestKeyring keys_;
  TemporaryDirectory directory_;
  Environment environment_ = EnvironmentBelow(directory_.path());
  KeyFile file_ = SampleKeyFile();
  std::vector<Errc> asked_;
};

TEST_F(KekForChangeTest, TheKekInTheKeyringIsTakenAndNobodyAsked) {
  AddToKeyring(SampleKek());
  EXPECT_TRUE(Must(Obtain(WithRecoveryKey())).Equals(SampleKek()));
  EXPECT_TRUE(asked_.empty());
}

TEST_F(KekForChangeTest, AnotherKekInTheKeyringIsNotTaken) {
  AddToKeyring(SampleSecret(32, 9));
  EXPECT_TRUE(Must(Obtain(WithRecoveryKey())).Equals(SampleKek()));
  EXPECT_EQ(asked_, std::vector{Errc::kBadKeyFile});
}

TEST_F(KekForChangeTest, WithNobodyToAskTheFailureIsTheTpms) {
  EXPECT_THAT(Obtain({}), FailsWith(Errc::kBadKeyFile, "no TPM slot"));
}

TEST_F(KekForChangeTest, WithoutARecoverySlotNobodyIsAsked) {
  file_.recovery.clear();
  EXPECT_THAT(Obtain(WithRecoveryKey()), FailsWith(Errc::kBadKeyFile));
  EXPECT_TRUE(asked_.empty());
}

}  // namespace
}  // namespace nvunlock
