// SPDX-License-Identifier: Apache-2.0
// Sealing anew at the recovery prompt, and taking that over once booted.
#include "src/seal/boot_reseal.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "src/seal/latch.h"
#include "src/seal/unseal.h"
#include "src/unlock/unlock.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/nv_indexes.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const KekName kMaster = {"user", "nvdimm-master"};

class BootResealTest : public MachineTest {
 protected:
  void SetUp() override {
    Boot();
    EnrollKek(kek_);
    AddRecoveryKey(kek_);
    AddBlob(kDimmId, kek_);
  }

  void AddRecoveryKey(const Secret& kek) const {
    KeyFile file = File();
    file.recovery.push_back(Must(MakeKeySlot(kek, SampleSecret(32))));
    WriteKeysFile("nvdimm-master.pem", Must(FormatKeyFile(file)));
  }

  [[nodiscard]] KeyFile File() const { return Must(store_.ReadKeyFile(kMaster)); }

  static void ChangePcr() {
    Tpm tpm = ConnectTo(swtpm());
    ExtendPcr(tpm, 8, Sha256Bank());
  }

  /// An unlock at which somebody types the recovery key, and then WANTED at the question after it.
  UnlockReport RunUnlock(bool wanted) {
    UnlockOptions options = {.config = {}};
    options.ask_recovery = [](const KekName&, const Error&) {
      return FormatRecoveryKey(SampleSecret(32));
    };
    options.ask_reseal = [this, wanted](const KekName&, const Error& why) {
      asked_.push_back(why.code);
      return wanted;
    };
    return Unlock(environment_, options);
  }

  /// Switches the machine on; what is measured is the same at each boot.
  static void Boot() {
    swtpm().PowerCycle();
    Tpm tpm = ConnectTo(swtpm());
    for (unsigned pcr : {7, 8}) ExtendPcr(tpm, pcr, Sha256Bank());
  }

  static unsigned IndexCount() {
    Tpm tpm = ConnectTo(swtpm());
    return CountNvIndexes(tpm);
  }

  [[nodiscard]] Result<Secret> Open() const {
    Tpm tpm = ConnectTo(swtpm());
    return UnsealKek(tpm, File());
  }

  [[nodiscard]] std::string WaitingFile() const {
    return environment_.run_dir + "/resealed/nvdimm-master.pem";
  }

  Secret kek_ = SampleSecret(32, 0x60);
  std::vector<Errc> asked_;
};

TEST_F(BootResealTest, YesMakesTheNextBootAutomatic) {
  ChangePcr();
  UnlockReport report = RunUnlock(true);
  EXPECT_THAT(asked_, ElementsAre(Errc::kPolicyMismatch));
  EXPECT_THAT(report.notes, Contains(HasSubstr("'nvunlock adopt'")));
  EXPECT_THAT(Open(), FailsWith(Errc::kPolicyMismatch));  // the keys directory is as it was
  std::vector<Adoption> adoptions = Must(AdoptResealed(environment_));
  ASSERT_THAT(adoptions, SizeIs(1));
  EXPECT_EQ(adoptions[0].key_file, KeysPathOf("nvdimm-master.pem"));
  EXPECT_THAT(File().slots, SizeIs(1));
  EXPECT_THAT(File().recovery, SizeIs(1));
  Boot();
  ChangePcr();
  EXPECT_TRUE(Must(Open()).Equals(kek_));
}

TEST_F(BootResealTest, TheLatchIsClosedAllTheSameAndNoSecondOneIsMade) {
  unsigned indexes = IndexCount();
  ChangePcr();
  RunUnlock(true);
  EXPECT_EQ(IndexCount(), indexes);
  Must(AdoptResealed(environment_));
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed));
  Boot();
  ChangePcr();
  EXPECT_TRUE(Must(Open()).Equals(kek_));
}

TEST_F(BootResealTest, ALatchThatIsMadeInThePlaceOfOneThatIsGoneIsClosedToo) {
  {
    Tpm tpm = ConnectTo(swtpm());
    Must(RemoveNvLatch(tpm, File().slots.at(0).key.policy.latch.value()));
  }
  RunUnlock(true);
  EXPECT_THAT(asked_, ElementsAre(Errc::kLatchGone));
  Must(AdoptResealed(environment_));
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed));
  Boot();
  EXPECT_TRUE(Must(Open()).Equals(kek_));
}

TEST_F(BootResealTest, NoLeavesEverythingAsItWas) {
  std::string before = ReadKeysFile("nvdimm-master.pem");
  ChangePcr();
  RunUnlock(false);
  EXPECT_THAT(asked_, SizeIs(1));
  EXPECT_FALSE(std::filesystem::exists(WaitingFile()));
  EXPECT_THAT(Must(AdoptResealed(environment_)), IsEmpty());
  EXPECT_EQ(ReadKeysFile("nvdimm-master.pem"), before);
}

TEST_F(BootResealTest, NobodyIsAskedWhenTheTpmOpens) {
  RunUnlock(true);
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(BootResealTest, OffersItOnlyWhereItHelpsAndNeedsNoPin) {
  KeyFile file = File();
  for (Errc code : {Errc::kPolicyMismatch, Errc::kWrongTpm, Errc::kLatchGone}) {
    EXPECT_TRUE(CanResealAtBoot(file, {code, ""}));
  }
  for (Errc code : {Errc::kNoTpm, Errc::kLockout, Errc::kBadKeyFile, Errc::kLatchClosed,
                    Errc::kWrongPin, Errc::kNoSignature, Errc::kFailed}) {
    EXPECT_FALSE(CanResealAtBoot(file, {code, ""})) << static_cast<int>(code);
  }
  file.slots[0].key.policy.pin = true;
  EXPECT_FALSE(CanResealAtBoot(file, {Errc::kPolicyMismatch, ""}));
  file.slots.clear();
  EXPECT_FALSE(CanResealAtBoot(file, {Errc::kPolicyMismatch, ""}));
}

TEST_F(BootResealTest, ItIsTakenOverOnce) {
  ChangePcr();
  RunUnlock(true);
  EXPECT_THAT(Must(AdoptResealed(environment_)), SizeIs(1));
  EXPECT_FALSE(std::filesystem::exists(WaitingFile()));
  EXPECT_THAT(Must(AdoptResealed(environment_)), IsEmpty());
}

TEST_F(BootResealTest, AKeyFileOfAnotherKekIsNotTakenOver) {
  ChangePcr();
  RunUnlock(true);
  std::filesystem::remove_all(environment_.keys_dir);
  EnrollKek(SampleSecret(32, 0x99));
  std::string before = ReadKeysFile("nvdimm-master.pem");
  EXPECT_THAT(AdoptResealed(environment_), FailsWith(Errc::kBadKeyFile, "not of the kek"));
  EXPECT_EQ(ReadKeysFile("nvdimm-master.pem"), before);
}

TEST_F(BootResealTest, SlotsThatWereRemovedMeanwhileStayRemoved) {
  ChangePcr();
  RunUnlock(true);
  KeyFile file = File();
  file.recovery.clear();
  WriteKeysFile("nvdimm-master.pem", Must(FormatKeyFile(file)));
  Must(AdoptResealed(environment_));
  EXPECT_THAT(File().recovery, IsEmpty());
}

}  // namespace
}  // namespace nvunlock
