// SPDX-License-Identifier: Apache-2.0
#include "src/seal/reseal.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "src/model/pem.h"
#include "src/seal/enroll.h"
#include "src/seal/latch.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/nv_indexes.h"
#include "test/unit/support/recording_proxy.h"
#include "test/unit/support/tpm_samples.h"
#include "tpm/srk.h"
#include "tpm/update_key.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

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
    options.questions.recovery = [this](const KekName&, const Error& why) -> Result<Secret> {
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
    return std::move(TRY(UnsealKek(tpm, File())).kek);
  }

  /// With this boot approved, whatever was before.
  [[nodiscard]] static ResealOptions ForThisBoot(ResealOptions options) {
    options.policy = DefaultOptions().policy;
    return options;
  }

  /// What a copy of the key file opens now.
  [[nodiscard]] static Result<OpenedKek> OpenCopy(const KeyFile& file) {
    Tpm tpm = ConnectTo(swtpm());
    return UnsealKek(tpm, file);
  }

  [[nodiscard]] static size_t NvIndexes() {
    Tpm tpm = ConnectTo(swtpm());
    return CountNvIndexes(tpm);
  }

  static void Remove(const TPM2B_NV_PUBLIC& index) {
    Tpm tpm = ConnectTo(swtpm());
    Must(RemoveIndex(tpm, index));
  }

  [[nodiscard]] Policy PolicyOfFile() const { return File().slots.at(0).key.policy; }

  void Extend(unsigned pcr) const {
    Tpm tpm = ConnectTo(swtpm());
    ExtendPcr(tpm, pcr, Sha256Bank());
  }

  void CloseTheLatch() const {
    TpmConnection tpm(environment_.tpm_device);
    EXPECT_THAT(CloseLatches(environment_, tpm), IsEmpty());
  }

  void ExpectTheSameKek() const { EXPECT_EQ(AsText(Must(Open()).bytes()), kek_); }

  std::string kek_;
  std::vector<Errc> reasons_;
};

TEST_F(ResealTest, AfterAChangeOfPcrsTheRecoveryKeyBringsTheSameKekBack) {
  Extend(8);
  EXPECT_THAT(Open(), FailsWith(Errc::kPolicyMismatch));
  Must(Run(ForThisBoot(OptionsWithRecovery())));
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
  Must(Run(ForThisBoot(OptionsWithRecovery())));
  EXPECT_THAT(reasons_, IsEmpty());
  ExpectTheSameKek();
}

TEST_F(ResealTest, AnotherKekInTheKeyringIsNotSealed) {
  (void)Must(keyring().AddUser("nvdimm-master", SampleSecret(32).bytes()));
  Must(Run(Options()));
  ExpectTheSameKek();
}

TEST_F(ResealTest, WithoutAWayToTheKekTheFileStaysAsItIs) {
  const std::string before = ReadKeysFile(kKeyFile);
  Extend(8);
  EXPECT_THAT(Run(Options()), FailsWith(Errc::kPolicyMismatch));
  ResealOptions wrong = Options();
  wrong.questions.recovery = [](const KekName&, const Error&) -> Result<Secret> {
    return FormatRecoveryKey(SampleSecret(32, 2));
  };
  EXPECT_THAT(Run(wrong), FailsWith(Errc::kKeysIncomplete));
  EXPECT_EQ(ReadKeysFile(kKeyFile), before);
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
  options.questions.pin = answer("1234");
  Must(Run(options));
  Tpm tpm = ConnectTo(swtpm());
  EXPECT_EQ(AsText(Must(UnsealKek(tpm, File(), {}, answer("5678"))).kek.bytes()), kek_);
}

TEST_F(ResealTest, WhatIsApprovedStaysUnlessSomethingElseIsGiven) {
  Extend(8);
  (void)Must(keyring().AddUser("nvdimm-master", AsBytes(kek_)));
  Must(Run(Options()));
  EXPECT_THAT(Open(), FailsWith(Errc::kPolicyMismatch, "PCR 8 (sha256) differs"));
  ResealReport report = Must(Run(ForThisBoot(Options())));
  EXPECT_EQ(FormatPcrs(report.approval.pcrs), "7+8:sha256");
  ExpectTheSameKek();
}

TEST_F(ResealTest, WhatFailsLateLeavesNeitherAnotherFileNorAnIndexBehind) {
  const std::string before = ReadKeysFile(kKeyFile);
  const size_t indexes = NvIndexes();
  ResealOptions options = Options();
  options.recovery.escrow = {"/nonexistent/certificate"};
  EXPECT_THAT(Run(options), FailsWith(Errc::kFailed, "/nonexistent/certificate"));
  EXPECT_EQ(ReadKeysFile(kKeyFile), before);
  EXPECT_EQ(NvIndexes(), indexes);
  ExpectTheSameKek();
}

TEST_F(ResealTest, AnOldCopyOfTheKeyFileDoesNotOpenAnyMore) {
  const KeyFile old = File();
  EXPECT_THAT(OpenCopy(old), Succeeds());
  EXPECT_THAT(Must(Run(Options())).notes, IsEmpty());
  EXPECT_THAT(OpenCopy(old), FailsWith(Errc::kLatchGone));
  ExpectTheSameKek();
  EXPECT_EQ(NvIndexes(), 2U);
}

/// Nor does its update key write what has come into its place.
TEST_F(ResealTest, TheUpdateKeyIsAnother) {
  const KeyFile old = File();
  Must(Run(Options()));
  Secret kek = SecretOf(kek_);
  Secret before = Must(DecryptUpdateKey(old, kek));
  EXPECT_FALSE(before.Equals(Must(DecryptUpdateKey(File(), kek))));
  Tpm tpm = ConnectTo(swtpm());
  const TpmSlot slot = File().slots[0];
  ESYS_TR parent = Must(PinParent(tpm, slot.key.parent_handle, slot.parent));
  UpdateKey key = Must(UpdateKey::Import(before));
  EXPECT_FALSE(WriteIndex(tpm, parent, slot.key.policy.index.area, key, Bytes(10)));
}

TEST_F(ResealTest, AfterTheUnlockTheRecoveryKeyIsNeededAndTheNewLatchIsClosedToo) {
  CloseTheLatch();
  EXPECT_THAT(Run(Options()), FailsWith(Errc::kLatchClosed));
  Must(Run(OptionsWithRecovery()));
  EXPECT_THAT(reasons_, ElementsAre(Errc::kLatchClosed));
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed));
}

/// One that is gone may have been closed before.
TEST_F(ResealTest, ALatchThatTheTpmLostIsMadeAnewClosed) {
  Remove(PolicyOfFile().latch.index);
  Must(Run(OptionsWithRecovery()));
  EXPECT_THAT(reasons_, ElementsAre(Errc::kLatchGone));
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed));
}

TEST_F(ResealTest, WhereWhatWasApprovedIsGoneTheNextBootIsApproved) {
  Remove(PolicyOfFile().index.area);
  for (unsigned pcr : {4, 9}) Extend(pcr);
  Approval approval = Must(Run(OptionsWithRecovery())).approval;
  EXPECT_EQ(FormatPcrs(approval.pcrs), "4+7+8+9:sha256");
  ASSERT_THAT(approval.branches, SizeIs(1));
  EXPECT_TRUE(approval.branches[0].boots);
  EXPECT_THAT(Open(), FailsWith(Errc::kPolicyMismatch, "by its number"));
  swtpm().PowerCycle();
  for (unsigned pcr : {7, 8}) Extend(pcr);
  ExpectTheSameKek();
}

/// A TPM that does not say what was approved is not taken for one that has forgotten it.
TEST_F(ResealTest, WhereWhatWasApprovedCannotBeReadNothingElseIs) {
  RecordingProxy proxy(swtpm(), [](uint32_t command, Bytes& response) {
    if (command == TPM2_CC_NV_Read) response.at(100) ^= 1;
  });
  environment_.tpm_device = proxy.device();
  EXPECT_THAT(Run(OptionsWithRecovery()), FailsWith(Errc::kWrongTpm, "not authentic"));
}

TEST_F(ResealTest, AFileWithoutATpmSlotGetsOne) {
  KeyFile file = File();
  file.slots.clear();
  WriteKeysFile(kKeyFile, Must(FormatKeyFile(file)));
  Must(Run(ForThisBoot(OptionsWithRecovery())));
  ExpectTheSameKek();
}

TEST_F(ResealTest, WithoutAKeyFileThereIsNothingToSeal) {
  std::filesystem::remove(KeysPathOf(kKeyFile));
  EXPECT_THAT(Run(Options()), FailsWith(Errc::kBadKeyFile));
}

}  // namespace
}  // namespace nvunlock
