// SPDX-License-Identifier: Apache-2.0
// What enroll makes besides a plain TPM slot: recovery slots, latches, PINs.
#include <gmock/gmock.h>

#include <filesystem>

#include "src/seal/enroll.h"
#include "src/seal/unseal.h"
#include "test/unit/support/commands.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/nv_indexes.h"
#include "test/unit/support/tpm_samples.h"
#include "tpm/nv_latch.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const KekName kMaster = {"user", "nvdimm-master"};

class EnrollWaysTest : public MachineTest {
 protected:
  [[nodiscard]] KeyFile EnrolledFile(const KekName& kek = kMaster) const {
    return Must(store_.ReadKeyFile(kek));
  }

  [[nodiscard]] std::string KekInKeyring() const {
    return PayloadOf(*Must(keyring().Find("user", "nvdimm-master")));
  }

  [[nodiscard]] static EnrollOptions WithLatch(const LatchChoice& latch) {
    EnrollOptions options = DefaultOptions();
    options.slot.latch = latch;
    return options;
  }

  [[nodiscard]] unsigned NvIndexes() const {
    Tpm tpm = ConnectTo(swtpm());
    return CountNvIndexes(tpm);
  }

  [[nodiscard]] NvLatch EnrolledLatch(const KekName& kek = kMaster) const {
    return EnrolledFile(kek).slots.at(0).key.policy.latch.value();
  }
};

TEST_F(EnrollWaysTest, TheRecoveryKeyAndThePassphraseOpenTheKek) {
  EnrollOptions options = DefaultOptions();
  options.recovery.key = SampleSecret(32);
  options.recovery.passphrase = SecretOf("a long passphrase");
  Must(Enroll(environment_, options));
  Secret typed = Must(FormatRecoveryKey(SampleSecret(32)));
  EXPECT_EQ(AsText(Must(OpenRecovery(EnrolledFile(), typed)).bytes()), KekInKeyring());
  EXPECT_EQ(AsText(Must(OpenRecovery(EnrolledFile(), SecretOf("a long passphrase"))).bytes()),
            KekInKeyring());
}

TEST_F(EnrollWaysTest, EveryEscrowCertificateGetsASlot) {
  EnrollOptions options = DefaultOptions();
  for (const char* name : {"one", "two"}) {
    std::string path = directory_.PathOf(name);
    RunCommand("openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=" +
               std::string(name) + " -keyout " + path + ".key -out " + path);
    options.recovery.escrow.push_back(path);
  }
  Must(Enroll(environment_, options));
  KeyFile file = EnrolledFile();
  ASSERT_THAT(file.recovery, SizeIs(2));
  EXPECT_EQ(file.recovery[0].issuer, "/CN=one");
  EXPECT_EQ(file.recovery[1].issuer, "/CN=two");
  std::string cms = directory_.Write("cms", AsText(file.recovery[1].kek_cms));
  EXPECT_EQ(RunCommand("openssl cms -decrypt -inform DER -in " + cms + " -inkey " +
                       directory_.PathOf("two.key")),
            KekInKeyring());
}

TEST_F(EnrollWaysTest, WithoutARecoveryWayThereIsNoRecoverySlot) {
  Must(Enroll(environment_, DefaultOptions()));
  EXPECT_THAT(EnrolledFile().recovery, IsEmpty());
}

TEST_F(EnrollWaysTest, ABadCertificateLeavesNothingBehind) {
  EnrollOptions options = DefaultOptions();
  unsigned before = NvIndexes();
  for (const std::string& path :
       {directory_.PathOf("missing"), directory_.Write("bad", "no certificate")}) {
    options.recovery.escrow = {path};
    EXPECT_THAT(Enroll(environment_, options), FailsWith(Errc::kFailed, path));
    EXPECT_FALSE(std::filesystem::exists(KeysPathOf("nvdimm-master.pem")));
    EXPECT_FALSE(HoldsKey("user", "nvdimm-master"));
    EXPECT_EQ(NvIndexes(), before);
  }
}

/// enrolled-dimms is written after the key file.
TEST_F(EnrollWaysTest, AKeyFileThatIsLeftByAFailureStillOpens) {
  AddBlob(kDimmId, SampleSecret(32));
  WriteKeysFile("nvdimm-master.blob", AsText(SampleSecret(32).bytes()));
  EnrollOptions options = DefaultOptions();
  options.import_clear_kek = true;
  std::filesystem::create_directories(KeysPathOf("enrolled-dimms/in-the-way"));
  EXPECT_THAT(Enroll(environment_, options), FailsWith(Errc::kFailed));
  if (!std::filesystem::exists(KeysPathOf("nvdimm-master.pem"))) return;
  Tpm tpm = ConnectTo(swtpm());
  EXPECT_THAT(UnsealKek(tpm, EnrolledFile()), Succeeds());
}

TEST_F(EnrollWaysTest, AnNvLatchIsTheDefault) {
  Must(Enroll(environment_, DefaultOptions()));
  EXPECT_EQ(EnrolledFile().slots[0].latch, LatchChoice{LatchKind::kNv});
  Tpm tpm = ConnectTo(swtpm());
  EXPECT_THAT(CheckNvLatch(tpm, EnrolledLatch()), Succeeds());
}

TEST_F(EnrollWaysTest, TheLatchOfAnotherKeyFileIsUsedAgain) {
  EnrollOptions other = DefaultOptions();
  other.kek.description = "rack7";
  Must(Enroll(environment_, DefaultOptions()));
  unsigned before = NvIndexes();
  Must(Enroll(environment_, other));
  EXPECT_EQ(NvIndexes(), before);
  EXPECT_EQ(EncodeNvLatch(EnrolledLatch()), EncodeNvLatch(EnrolledLatch(other.kek)));
}

TEST_F(EnrollWaysTest, ALatchThatTheTpmLostIsNotUsedAgain) {
  EnrollOptions other = DefaultOptions();
  other.kek.description = "rack7";
  Must(Enroll(environment_, DefaultOptions()));
  {
    Tpm tpm = ConnectTo(swtpm());
    Must(RemoveNvLatch(tpm, EnrolledLatch()));
  }
  Must(Enroll(environment_, other));
  Tpm tpm = ConnectTo(swtpm());
  EXPECT_THAT(UnsealKek(tpm, EnrolledFile(other.kek)), Succeeds());
  EXPECT_THAT(UnsealKek(tpm, EnrolledFile()), FailsWith(Errc::kLatchGone));
}

TEST_F(EnrollWaysTest, WithAClosedLatchTheProofSaysThatItCannotBeSeenNow) {
  EnrollOptions other = DefaultOptions();
  other.kek.description = "rack7";
  Must(Enroll(environment_, DefaultOptions()));
  {
    Tpm tpm = ConnectTo(swtpm());
    const TpmSlot slot = EnrolledFile().slots[0];
    ESYS_TR parent = Must(PinParent(tpm, slot.key.parent_handle, slot.parent));
    Must(CloseNvLatch(tpm, parent, EnrolledLatch()));
  }
  EXPECT_EQ(Must(Enroll(environment_, other)).proof, Proof::kLatchedUp);
}

TEST_F(EnrollWaysTest, APcrLatchIsBoundToAtZero) {
  EnrollReport report = Must(Enroll(environment_, WithLatch({LatchKind::kPcr, 12})));
  EXPECT_EQ(report.proof, Proof::kUnsealed);
  EXPECT_THAT(report.policy, HasSubstr("+12:sha256=" + std::string(64, '0')));
  EXPECT_THAT(report.notes, IsEmpty());
  EXPECT_EQ(EnrolledFile().slots[0].latch, (LatchChoice{LatchKind::kPcr, 12}));
}

TEST_F(EnrollWaysTest, APcrLatchThatIsClosedCannotBeProvedNow) {
  {
    Tpm tpm = ConnectTo(swtpm());
    ExtendPcr(tpm, 13, Sha256Bank());
  }
  EXPECT_EQ(Must(Enroll(environment_, WithLatch({LatchKind::kPcr, 13}))).proof, Proof::kNotNow);
}

TEST_F(EnrollWaysTest, PcrsThatSystemdExtendsAreNotedAsLatches) {
  EXPECT_THAT(Must(Enroll(environment_, WithLatch({LatchKind::kPcr, 11}))).notes,
              ElementsAre(HasSubstr("systemd extends PCR 11")));
}

TEST_F(EnrollWaysTest, APcrCannotBeBothBoundToAndTheLatch) {
  EXPECT_THAT(Enroll(environment_, WithLatch({LatchKind::kPcr, 8})),
              FailsWith(Errc::kUsage, "PCR 8 cannot be both"));
}

TEST_F(EnrollWaysTest, WithoutALatchNoNvIndexIsMade) {
  unsigned before = NvIndexes();
  Must(Enroll(environment_, WithLatch({LatchKind::kNone})));
  EXPECT_EQ(NvIndexes(), before);
  EXPECT_EQ(EnrolledFile().slots[0].latch, LatchChoice{LatchKind::kNone});
}

TEST_F(EnrollWaysTest, WithAPinOnlyThePinOpensIt) {
  EnrollOptions options = DefaultOptions();
  options.pin = SecretOf("1234");
  EXPECT_EQ(Must(Enroll(environment_, options)).proof, Proof::kUnsealed);
  Tpm tpm = ConnectTo(swtpm());
  EXPECT_THAT(UnsealKek(tpm, EnrolledFile()), FailsWith(Errc::kWrongPin));
  auto answer = [](const KekName&, const std::string&, unsigned) -> Result<Secret> {
    return SecretOf("1234");
  };
  EXPECT_EQ(AsText(Must(UnsealKek(tpm, EnrolledFile(), answer)).bytes()), KekInKeyring());
}

}  // namespace
}  // namespace nvunlock
