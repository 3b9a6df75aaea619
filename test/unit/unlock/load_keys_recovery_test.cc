// SPDX-License-Identifier: Apache-2.0
// Keys from a recovery slot, where the TPM does not help.
#include <gmock/gmock.h>

#include "src/model/pem.h"
#include "src/seal/latch.h"
#include "src/unlock/load_keys.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::SizeIs;

const KekName kMaster = {"user", "nvdimm-master"};

class LoadKeysRecoveryTest : public MachineTest {
 protected:
  void SetUp() override {
    EnrollKek(kek_);
    KeyFile file = Must(store_.ReadKeyFile(kMaster));
    file.recovery.push_back(Must(MakeKeySlot(kek_, SampleSecret(32))));
    WriteKeysFile("nvdimm-master.pem", Must(FormatKeyFile(file)));
    AddBlob(kDimmId, kek_);
  }

  static std::string RecoveryKey(uint8_t first = 1) {
    return std::string(AsText(Must(FormatRecoveryKey(SampleSecret(32, first))).bytes()));
  }

  /// With somebody at hand who types ANSWERS, one after the other.
  [[nodiscard]] LoadKeysOptions OptionsWith(std::vector<std::string> answers) {
    LoadKeysOptions options = {.keyring = keyring(), .host = "here"};
    options.ask_recovery = [this, answers](const KekName& kek, const Error& why) -> Result<Secret> {
      EXPECT_EQ(kek, kMaster);
      reasons_.push_back(why.code);
      if (reasons_.size() > answers.size()) return Fail("nobody answered in time");
      return SecretOf(answers[reasons_.size() - 1]);
    };
    return options;
  }

  [[nodiscard]] LoadedKeys Load(const LoadKeysOptions& options) const {
    TpmConnection tpm(environment_.tpm_device);
    return Must(LoadKeys(store_, tpm, options));
  }

  void ChangePcr() const {
    Tpm tpm = ConnectTo(swtpm());
    ExtendPcr(tpm, 8, Sha256Bank());
  }

  void ExpectProblem(const LoadedKeys& loaded, Errc code) const {
    EXPECT_THAT(loaded.keys, IsEmpty());
    ASSERT_THAT(loaded.problems, SizeIs(1));
    EXPECT_EQ(loaded.problems[0].code, code) << loaded.problems[0].message;
  }

  const Secret kek_ = SampleSecret(32, 0x33);
  std::vector<Errc> reasons_;
};

TEST_F(LoadKeysRecoveryTest, WhenThePcrsDifferTheRecoveryKeyIsAskedForAndLoadsTheKeys) {
  ChangePcr();
  LoadedKeys loaded = Load(OptionsWith({RecoveryKey()}));
  EXPECT_THAT(reasons_, ElementsAre(Errc::kPolicyMismatch));
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kDimmId)));
  EXPECT_THAT(loaded.recovered, ElementsAre(kMaster));
  EXPECT_THAT(loaded.problems, IsEmpty());
}

TEST_F(LoadKeysRecoveryTest, WithoutATpmItIsAskedForToo) {
  environment_.tpm_device = "/nonexistent/tpm";
  EXPECT_THAT(Load(OptionsWith({RecoveryKey()})).keys, SizeIs(1));
  EXPECT_THAT(reasons_, ElementsAre(Errc::kNoTpm));
}

TEST_F(LoadKeysRecoveryTest, WhenTheTpmOpensNobodyIsAsked) {
  LoadedKeys loaded = Load(OptionsWith({RecoveryKey()}));
  EXPECT_THAT(reasons_, IsEmpty());
  EXPECT_THAT(loaded.keys, SizeIs(1));
  EXPECT_THAT(loaded.recovered, IsEmpty());
}

TEST_F(LoadKeysRecoveryTest, OnRequestTheTpmIsNotEvenTried) {
  LoadKeysOptions options = OptionsWith({RecoveryKey()});
  options.recovery_only = true;
  EXPECT_THAT(Load(options).recovered, ElementsAre(kMaster));
  EXPECT_THAT(reasons_, SizeIs(1));
}

TEST_F(LoadKeysRecoveryTest, ThereAreThreeTries) {
  ChangePcr();
  EXPECT_THAT(Load(OptionsWith({"typo", RecoveryKey(2), RecoveryKey()})).keys, SizeIs(1));
  EXPECT_THAT(reasons_,
              ElementsAre(Errc::kPolicyMismatch, Errc::kKeysIncomplete, Errc::kKeysIncomplete));
}

TEST_F(LoadKeysRecoveryTest, AfterTheThirdNobodyIsAskedAgain) {
  ChangePcr();
  ExpectProblem(Load(OptionsWith({"one", "two", "three", RecoveryKey()})), Errc::kKeysIncomplete);
  EXPECT_THAT(reasons_, SizeIs(3));
}

TEST_F(LoadKeysRecoveryTest, NoAnswerEndsItAndTheTpmsFailureCounts) {
  ChangePcr();
  LoadedKeys loaded = Load(OptionsWith({}));
  ExpectProblem(loaded, Errc::kPolicyMismatch);
  EXPECT_THAT(loaded.notes, Contains(HasSubstr("nobody answered")));
  EXPECT_THAT(reasons_, SizeIs(1));
}

TEST_F(LoadKeysRecoveryTest, WhenTheLatchIsClosedNobodyIsAsked) {
  {
    TpmConnection tpm(environment_.tpm_device);
    ASSERT_THAT(CloseLatches(environment_, tpm), IsEmpty());
  }
  ExpectProblem(Load(OptionsWith({RecoveryKey()})), Errc::kLatchClosed);
  EXPECT_THAT(reasons_, IsEmpty());
}

TEST_F(LoadKeysRecoveryTest, WithoutARecoverySlotNobodyIsAsked) {
  KeyFile file = Must(store_.ReadKeyFile(kMaster));
  file.recovery.clear();
  WriteKeysFile("nvdimm-master.pem", Must(FormatKeyFile(file)));
  ChangePcr();
  ExpectProblem(Load(OptionsWith({RecoveryKey()})), Errc::kPolicyMismatch);
  EXPECT_THAT(reasons_, IsEmpty());
}

TEST_F(LoadKeysRecoveryTest, WithNobodyToAskTheFailureIsTheTpms) {
  ChangePcr();
  ExpectProblem(Load({.keyring = keyring(), .host = "here"}), Errc::kPolicyMismatch);
}

TEST_F(LoadKeysRecoveryTest, AFileWithoutATpmSlotIsOpenedByItsRecoverySlot) {
  KeyFile file = Must(store_.ReadKeyFile(kMaster));
  file.slots.clear();
  WriteKeysFile("nvdimm-master.pem", Must(FormatKeyFile(file)));
  EXPECT_THAT(Load(OptionsWith({RecoveryKey()})).keys, SizeIs(1));
}

TEST_F(LoadKeysRecoveryTest, AllKeysVanishAfterTheTime) {
  LoadKeysOptions options = OptionsWith({RecoveryKey()});
  options.recovery_only = true;
  options.keep_kek = true;
  options.expire_seconds = 900;
  LoadedKeys loaded = Load(options);
  EXPECT_NE(ExpiryOf(loaded.keys.at(kDimmId).at(0)), "perm");
  EXPECT_NE(ExpiryOf(*Must(keyring().Find("user", "nvdimm-master"))), "perm");
}

TEST_F(LoadKeysRecoveryTest, BlocksThatCannotBeReadAreNoted) {
  WriteKeysFile("nvdimm-master.pem",
                ReadKeysFile("nvdimm-master.pem") + FormatPem("FUTURE KIND OF SLOT", Bytes(10)));
  LoadedKeys loaded = Load(OptionsWith({}));
  EXPECT_THAT(loaded.keys, SizeIs(1));
  EXPECT_THAT(loaded.notes, Contains(HasSubstr("FUTURE KIND OF SLOT")));
}

}  // namespace
}  // namespace nvunlock
