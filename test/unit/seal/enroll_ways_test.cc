// SPDX-License-Identifier: Apache-2.0
// What enroll makes besides a plain TPM slot: recovery slots, NV indexes, PINs.
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

  [[nodiscard]] static size_t NvIndexes() {
    Tpm tpm = ConnectTo(swtpm());
    return CountNvIndexes(tpm);
  }

  [[nodiscard]] Policy EnrolledPolicy(const KekName& kek = kMaster) const {
    return EnrolledFile(kek).slots.at(0).key.policy;
  }

  [[nodiscard]] Result<Secret> Open(const KekName& kek = kMaster) const {
    Tpm tpm = ConnectTo(swtpm());
    return std::move(TRY(UnsealKek(tpm, EnrolledFile(kek))).kek);
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
  size_t before = NvIndexes();
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

TEST_F(EnrollWaysTest, ASlotHasALatchAndAPolicyIndexOfItsOwn) {
  EnrollOptions other = DefaultOptions();
  other.kek.description = "rack7";
  Must(Enroll(environment_, DefaultOptions()));
  EXPECT_EQ(NvIndexes(), 2U);
  Must(Enroll(environment_, other));
  EXPECT_EQ(NvIndexes(), 4U);
  Tpm tpm = ConnectTo(swtpm());
  for (const KekName& kek : {kMaster, other.kek}) {
    EXPECT_THAT(ReadNvLatch(tpm, EnrolledPolicy(kek).latch), Yields(LatchState::kOpen));
    EXPECT_THAT(CheckIndex(tpm, EnrolledPolicy(kek).index.area), Succeeds());
  }
}

TEST_F(EnrollWaysTest, TheLatchOfOneKeyFileIsNotThatOfAnother) {
  EnrollOptions other = DefaultOptions();
  other.kek.description = "rack7";
  Must(Enroll(environment_, DefaultOptions()));
  {
    Tpm tpm = ConnectTo(swtpm());
    Must(RemoveIndex(tpm, EnrolledPolicy().latch.index));
  }
  Must(Enroll(environment_, other));
  EXPECT_THAT(Open(other.kek), Succeeds());
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchGone));
}

TEST_F(EnrollWaysTest, WithAPinOnlyThePinOpensIt) {
  EnrollOptions options = DefaultOptions();
  options.pin = SecretOf("1234");
  Must(Enroll(environment_, options));
  Tpm tpm = ConnectTo(swtpm());
  EXPECT_THAT(UnsealKek(tpm, EnrolledFile()), FailsWith(Errc::kWrongPin));
  auto answer = [](const KekName&, const std::string&, unsigned) -> Result<Secret> {
    return SecretOf("1234");
  };
  EXPECT_EQ(AsText(Must(UnsealKek(tpm, EnrolledFile(), {}, answer)).kek.bytes()), KekInKeyring());
}

}  // namespace
}  // namespace nvunlock
