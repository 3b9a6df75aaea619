// SPDX-License-Identifier: Apache-2.0
#include "src/seal/reseal.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "src/model/pem.h"
#include "src/seal/enroll.h"
#include "src/seal/latch.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/nv_indexes.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr char kKeyFile[] = "nvdimm-master.pem";

class ResealTest : public MachineTest {
 protected:
  void SetUp() override { EnrollWithRecoveryKey(DefaultOptions()); }

  /// The kek ends up in the file only: with a recovery key, not in the keyring.
  void EnrollWithRecoveryKey(EnrollOptions options) {
    options.recovery.key = SampleSecret(32);
    std::filesystem::remove_all(environment_.keys_dir);
    Must(Enroll(environment_, options));
    Key key = *Must(keyring().Find("user", "nvdimm-master"));
    kek_ = PayloadOf(key);
    Must(key.Invalidate());
  }

  [[nodiscard]] static ResealOptions Options() {
    ResealOptions options;
    options.kek = {"user", "nvdimm-master"};
    return options;
  }

  /// With somebody at hand who has the recovery key.
  [[nodiscard]] ResealOptions OptionsWithRecovery() {
    ResealOptions options = Options();
    options.ask_recovery = [this](const KekName&, const Error& why) -> Result<Secret> {
      reasons_.push_back(why.code);
      return FormatRecoveryKey(SampleSecret(32));
    };
    return options;
  }

  [[nodiscard]] Result<ResealReport> Run(const ResealOptions& options) const {
    return Reseal(environment_, options);
  }

  [[nodiscard]] KeyFile File() const { return Must(store_.ReadKeyFile(Options().kek)); }

  [[nodiscard]] Result<Secret> Open() const {
    Tpm tpm = ConnectTo(swtpm());
    return UnsealKek(tpm, File());
  }

  void Extend(unsigned pcr) const {
    Tpm tpm = ConnectTo(swtpm());
    ExtendPcr(tpm, pcr, Sha256Bank());
  }

  void CloseTheLatch() const {
    TpmConnection tpm(environment_.tpm_device);
    EXPECT_THAT(CloseLatches(store_, tpm), IsEmpty());
  }

  void ExpectTheSameKek() const { EXPECT_EQ(AsText(Must(Open()).bytes()), kek_); }

  std::string kek_;
  std::vector<Errc> reasons_;
};

TEST_F(ResealTest, AfterAChangeOfPcrsTheRecoveryKeyBringsTheSameKekBack) {
  Extend(8);
  EXPECT_THAT(Open(), FailsWith(Errc::kPolicyMismatch));
  EXPECT_EQ(Must(Run(OptionsWithRecovery())).proof, Proof::kUnsealed);
  EXPECT_THAT(reasons_, ElementsAre(Errc::kPolicyMismatch));
  ExpectTheSameKek();
  EXPECT_THAT(File().slots, SizeIs(1));
}

TEST_F(ResealTest, WhatTheTpmYieldsIsSealedAnewAndNobodyIsAsked) {
  Must(Run(OptionsWithRecovery()));
  EXPECT_THAT(reasons_, IsEmpty());
  ExpectTheSameKek();
}

TEST_F(ResealTest, TheKekInTheKeyringIsUsedWithoutAskingAnybody) {
  Extend(8);
  (void)Must(keyring().AddUser("nvdimm-master", AsBytes(kek_)));
  Must(Run(OptionsWithRecovery()));
  EXPECT_THAT(reasons_, IsEmpty());
  ExpectTheSameKek();
}

TEST_F(ResealTest, AnotherKekInTheKeyringIsNotSealed) {
  (void)Must(keyring().AddUser("nvdimm-master", SampleSecret(32).bytes()));
  Must(Run(Options()));
  ExpectTheSameKek();
}

TEST_F(ResealTest, ThePcrsAreThoseOfBeforeUnlessOthersAreGiven) {
  const std::string before = File().slots[0].pcr_values;
  EXPECT_EQ(Must(Run(Options())).policy, before);
  ResealOptions options = Options();
  options.pcrs = Must(ParsePcrTerms("8"));
  EXPECT_THAT(Must(Run(options)).policy, StartsWith("8:sha256="));
  EXPECT_EQ(File().slots[0].pcr_values, Must(Run(Options())).policy);
}

TEST_F(ResealTest, WithoutAWayToTheKekTheFileStaysAsItIs) {
  const std::string before = ReadKeysFile(kKeyFile);
  Extend(8);
  EXPECT_THAT(Run(Options()), FailsWith(Errc::kPolicyMismatch));
  ResealOptions wrong = Options();
  wrong.ask_recovery = [](const KekName&, const Error&) -> Result<Secret> {
    return FormatRecoveryKey(SampleSecret(32, 2));
  };
  EXPECT_THAT(Run(wrong), FailsWith(Errc::kKeysIncomplete));
  EXPECT_EQ(ReadKeysFile(kKeyFile), before);
}

TEST_F(ResealTest, WhatFailsLateLeavesNeitherAnotherFileNorALatchBehind) {
  EnrollOptions unlatched = DefaultOptions();
  unlatched.slot.latch = {LatchKind::kNone};
  EnrollWithRecoveryKey(std::move(unlatched));
  const std::string before = ReadKeysFile(kKeyFile);
  auto count = [] {
    Tpm tpm = ConnectTo(swtpm());
    return CountNvIndexes(tpm);
  };
  const unsigned indexes = count();
  ResealOptions options = Options();
  options.latch = LatchChoice{LatchKind::kNv};
  options.recovery.escrow = {"/nonexistent/certificate"};
  EXPECT_THAT(Run(options), FailsWith(Errc::kFailed, "/nonexistent/certificate"));
  EXPECT_EQ(ReadKeysFile(kKeyFile), before);
  EXPECT_EQ(count(), indexes);
}

TEST_F(ResealTest, RecoverySlotsStayAndNewOnesAreAdded) {
  ResealOptions options = Options();
  options.recovery.key = SampleSecret(32, 2);
  Must(Run(options));
  EXPECT_THAT(File().recovery, SizeIs(2));
  for (uint8_t first : {1, 2}) {
    Secret key = Must(FormatRecoveryKey(SampleSecret(32, first)));
    EXPECT_EQ(AsText(Must(OpenRecovery(File(), key)).bytes()), kek_);
  }
}

TEST_F(ResealTest, BlocksThatCannotBeReadStay) {
  WriteKeysFile(kKeyFile, ReadKeysFile(kKeyFile) + FormatPem("FUTURE KIND OF SLOT", Bytes(10)));
  Must(Run(Options()));
  EXPECT_THAT(File().unreadable, SizeIs(1));
}

TEST_F(ResealTest, TheLatchIsTheSameIndexAsBefore) {
  NvLatch before = *File().slots[0].key.policy.latch;
  EXPECT_EQ(Must(Run(Options())).latch, LatchChoice{LatchKind::kNv});
  EXPECT_EQ(EncodeNvLatch(*File().slots[0].key.policy.latch), EncodeNvLatch(before));
}

TEST_F(ResealTest, APcrLatchStaysToo) {
  EnrollOptions options = DefaultOptions();
  options.slot.latch = {LatchKind::kPcr, 12};
  EnrollWithRecoveryKey(std::move(options));
  EXPECT_EQ(Must(Run(Options())).latch, (LatchChoice{LatchKind::kPcr, 12}));
  EXPECT_THAT(File().slots[0].pcr_values, HasSubstr("+12:sha256=" + std::string(64, '0')));
  ExpectTheSameKek();
}

TEST_F(ResealTest, AnotherLatchIsTakenOnRequest) {
  ResealOptions options = Options();
  options.latch = LatchChoice{LatchKind::kNone};
  Must(Run(options));
  EXPECT_FALSE(File().slots[0].key.policy.latch);
  options.latch = LatchChoice{LatchKind::kPcr, 13};
  EXPECT_EQ(Must(Run(options)).latch, (LatchChoice{LatchKind::kPcr, 13}));
  options.latch = LatchChoice{LatchKind::kNv};
  EXPECT_THAT(Must(Run(options)).policy, Not(HasSubstr("13:sha256")));
  ExpectTheSameKek();
}

TEST_F(ResealTest, AfterTheUnlockTheRecoveryKeyIsNeededAndTheProofWaitsForTheNextBoot) {
  CloseTheLatch();
  EXPECT_THAT(Run(Options()), FailsWith(Errc::kLatchClosed));
  EXPECT_EQ(Must(Run(OptionsWithRecovery())).proof, Proof::kLatchedUp);
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed));
}

TEST_F(ResealTest, ALatchThatTheTpmLostIsMadeAnew) {
  {
    Tpm tpm = ConnectTo(swtpm());
    Must(RemoveNvLatch(tpm, *File().slots[0].key.policy.latch));
  }
  EXPECT_EQ(Must(Run(OptionsWithRecovery())).proof, Proof::kUnsealed);
  ExpectTheSameKek();
}

TEST_F(ResealTest, AFileWithoutATpmSlotGetsOneForThePcrsThatAreGiven) {
  KeyFile file = File();
  file.slots.clear();
  WriteKeysFile(kKeyFile, Must(FormatKeyFile(file)));
  EXPECT_THAT(Run(OptionsWithRecovery()), FailsWith(Errc::kUsage, "--tpm2-pcrs="));
  ResealOptions options = OptionsWithRecovery();
  options.pcrs = Must(ParsePcrTerms("7+8"));
  Must(Run(options));
  ExpectTheSameKek();
}

TEST_F(ResealTest, APinIsAskedForAndANewOneTakesItsPlace) {
  auto answer = [](const char* pin) {
    return [pin](const KekName&, const std::string&, unsigned) -> Result<Secret> {
      return SecretOf(pin);
    };
  };
  ResealOptions options = Options();
  options.pin = SecretOf("1234");
  Must(Run(options));
  options.pin = SecretOf("5678");
  options.ask_pin = answer("1234");
  Must(Run(options));
  Tpm tpm = ConnectTo(swtpm());
  EXPECT_EQ(AsText(Must(UnsealKek(tpm, File(), answer("5678"))).bytes()), kek_);
}

TEST_F(ResealTest, WithoutAKeyFileThereIsNothingToSeal) {
  std::filesystem::remove(KeysPathOf(kKeyFile));
  EXPECT_THAT(Run(Options()), FailsWith(Errc::kBadKeyFile));
}

}  // namespace
}  // namespace nvunlock
