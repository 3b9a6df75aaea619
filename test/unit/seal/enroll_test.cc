// SPDX-License-Identifier: Apache-2.0
#include "src/seal/enroll.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "src/model/blob_record.h"
#include "src/records/record_pcrs.h"
#include "src/seal/unseal.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/nd_tree.h"
#include "test/unit/support/record_lines.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class EnrollTest : public MachineTest {
 protected:
  [[nodiscard]] Secret UnsealEnrolled(const KekName& kek = {"user", "nvdimm-master"}) const {
    Tpm tpm = ConnectTo(swtpm());
    return std::move(Must(UnsealKek(tpm, Must(store_.ReadKeyFile(kek)))).kek);
  }

  EnrollReport EnrollWith(const EnrollOptions& options) const {
    return Must(Enroll(environment_, options));
  }

  [[nodiscard]] static EnrollOptions ImportOptions() {
    EnrollOptions options = DefaultOptions();
    options.import_clear_kek = true;
    return options;
  }

  [[nodiscard]] static EnrollOptions OptionsWithPcrs(std::string_view terms) {
    EnrollOptions options = DefaultOptions();
    options.policy.pcrs = Must(ParsePcrTerms(terms));
    return options;
  }
};

TEST_F(EnrollTest, ANewKekIsSealedAndOpensAgain) {
  EnrollReport report = EnrollWith(DefaultOptions());
  EXPECT_EQ(report.key_file, KeysPathOf("nvdimm-master.pem"));
  EXPECT_EQ(report.clear_file, "");
  EXPECT_THAT(report.notes, IsEmpty());
  EXPECT_EQ(UnsealEnrolled().size(), 32U);
}

TEST_F(EnrollTest, TheKeyFileIsForItsOwnerOnly) {
  EnrollReport report = EnrollWith(DefaultOptions());
  struct stat status = {};
  ASSERT_EQ(stat(report.key_file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
}

TEST_F(EnrollTest, TheKekIsPutWhereNdctlLooksForIt) {
  EnrollWith(DefaultOptions());
  std::optional<nvunlock::Key> key = Must(keyring().Find("user", "nvdimm-master"));
  ASSERT_TRUE(key);
  EXPECT_TRUE(Must(key->Read()).Equals(UnsealEnrolled()));
}

TEST_F(EnrollTest, EveryKekIsAnother) {
  EnrollOptions other = DefaultOptions();
  other.kek.description = "rack7";
  EnrollWith(DefaultOptions());
  EnrollWith(other);
  EXPECT_FALSE(UnsealEnrolled().Equals(UnsealEnrolled(other.kek)));
}

TEST_F(EnrollTest, TheReportSaysWhatTheKekIsBoundTo) {
  EnrollReport report = EnrollWith(DefaultOptions());
  Tpm tpm = ConnectTo(swtpm());
  PcrValues values = Must(ReadPcrs(tpm, Sha256Bank(), 1U << 7 | 1U << 8));
  ASSERT_THAT(report.approval.branches, SizeIs(1));
  EXPECT_EQ(DigestOf(report.approval), SignedDigest(PolicyForValues(Sha256Bank(), values)));
  EXPECT_EQ(FormatPcrs(report.approval.pcrs), "7+8:sha256");
}

TEST_F(EnrollTest, NdctlsKekIsImportedAndNotDeleted) {
  Secret kek = SampleSecret(77);
  WriteKeysFile("nvdimm-master.blob", AsText(kek.bytes()));
  EnrollReport report = EnrollWith(ImportOptions());
  EXPECT_EQ(report.clear_file, KeysPathOf("nvdimm-master.blob"));
  EXPECT_TRUE(UnsealEnrolled().Equals(kek));
  EXPECT_EQ(ReadKeysFile("nvdimm-master.blob"), AsText(kek.bytes()));
}

TEST_F(EnrollTest, AnImportedKekOpensTheBlobsMadeUnderIt) {
  Secret kek = SampleSecret(32);
  std::string blob = AddBlob(kDimmId, kek);
  WriteKeysFile("nvdimm-master.blob", AsText(kek.bytes()));
  EnrollWith(ImportOptions());
  EXPECT_TRUE(VerifyEnc32(Must(ParseEnc32(blob)), UnsealEnrolled()));
}

TEST_F(EnrollTest, AnImportedKekMayBeInTheKeyringAlready) {
  Secret kek = SampleSecret(32);
  WriteKeysFile("nvdimm-master.blob", AsText(kek.bytes()));
  nvunlock::Key key = Must(keyring().AddUser("nvdimm-master", kek.bytes()));
  EnrollWith(ImportOptions());
  EXPECT_EQ(Must(keyring().Find("user", "nvdimm-master"))->serial(), key.serial());
}

TEST_F(EnrollTest, BlobsAreRememberedUnderAMacOfTheKek) {
  Secret kek = SampleSecret(32);
  std::string blob = AddBlob(kDimmId, kek);
  WriteKeysFile("nvdimm-master.blob", AsText(kek.bytes()));
  EnrollWith(ImportOptions());
  EXPECT_THAT(ParseBlobRecord(ReadKeysFile(kEnrolledDimmsFile)).lines,
              ElementsAre(LineFor(kDimmId, blob, kek)));
}

/// Nobody knows which of them the DIMM has.
TEST_F(EnrollTest, BlobsThatUnlockWouldNotUseAreNotRecorded) {
  Secret kek = SampleSecret(32);
  AddBlob(kDimmId, kek, "nvdimm-master", "one");
  AddBlob(kDimmId, kek, "nvdimm-master", "two");
  AddBlob(kOtherDimmId, SampleSecret(32, 2), "rack7");
  WriteKeysFile("nvdimm-master.blob", AsText(kek.bytes()));
  EnrollWith(ImportOptions());
  EXPECT_FALSE(directory_.Holds("etc/ndctl/keys/enrolled-dimms"));
}

TEST_F(EnrollTest, BlobsOfAnotherKekAreNoHindrance) {
  AddBlob(kDimmId, SampleSecret(32), "rack7");
  EXPECT_THAT(Enroll(environment_, DefaultOptions()), Succeeds());
}

TEST_F(EnrollTest, ABlobThatCannotBeReadIsNoted) {
  WriteKeysFile(std::string("nvdimm_") + kDimmId + "_here.blob", "damaged");
  EXPECT_THAT(EnrollWith(DefaultOptions()).notes,
              ElementsAre(HasSubstr("will not unlock its DIMM")));
}

TEST_F(EnrollTest, EveryBlobThatTheKekWasNotSeenToOpenIsNamed) {
  AddBlob(kDimmId, SampleSecret(32));
  std::string master = std::string("nvdimm-master_") + kDimmId + "_here.blob";
  std::string staged = std::string("nvdimm-new_") + kDimmId + "_here.blob";
  WriteKeysFile(master, "enc32 user:nvdimm-master 32 " + std::string(162, 'a'));
  WriteKeysFile(staged, "damaged");
  WriteKeysFile("nvdimm-master.blob", AsText(SampleSecret(32).bytes()));
  EXPECT_THAT(EnrollWith(ImportOptions()).unopened, UnorderedElementsAre(master, staged));
}

TEST_F(EnrollTest, ATpmHandleIsAboutNdctlsOwnKekOnly) {
  WriteKeysFile("tpm.handle", "0x81000001");
  EnrollOptions other = DefaultOptions();
  other.kek.description = "rack7";
  EXPECT_THAT(Enroll(environment_, other), Succeeds());
}

TEST_F(EnrollTest, ADimmWithAPassphraseButNoBlobIsNoted) {
  NdTree tree(directory_);
  tree.AddDimm({.nmem = "nmem0", .id = kDimmId, .security = "unlocked"});
  tree.AddDimm({.nmem = "nmem1", .id = kOtherDimmId, .security = "disabled"});
  EXPECT_THAT(EnrollWith(DefaultOptions()).notes,
              ElementsAre(HasSubstr(std::string("nmem0 (") + kDimmId + ") has a passphrase")));
}

TEST_F(EnrollTest, ValuesThatDoNotHoldNowAreApprovedAndDoNotOpen) {
  EnrollWith(OptionsWithPcrs("8:sha256=" + std::string(64, 'a')));
  Tpm tpm = ConnectTo(swtpm());
  EXPECT_THAT(UnsealKek(tpm, Must(store_.ReadKeyFile({"user", "nvdimm-master"}))),
              FailsWith(Errc::kPolicyMismatch));
}

TEST_F(EnrollTest, TheValuesThatTheInitramfsRecordedAreUsed) {
  PcrRecord record = {.in_initramfs = true, .banks = {{"sha256", {{9, Bytes(32, 9)}}}}};
  directory_.Write("run/nvunlock/pcrs.json", FormatPcrRecord(record));
  EnrollReport report = EnrollWith(OptionsWithPcrs("9"));
  EXPECT_EQ(DigestOf(report.approval),
            SignedDigest(PolicyForValues(Sha256Bank(), {{9, Bytes(32, 9)}})));
  EXPECT_THAT(report.notes, IsEmpty());
}

TEST_F(EnrollTest, ValuesThatWereRecordedLateAreNoted) {
  PcrRecord record = {.in_initramfs = false, .banks = {{"sha256", {{9, Bytes(32, 9)}}}}};
  directory_.Write("run/nvunlock/pcrs.json", FormatPcrRecord(record));
  EXPECT_THAT(EnrollWith(OptionsWithPcrs("9")).notes,
              Contains(HasSubstr("recorded in the running system")));
}

}  // namespace
}  // namespace nvunlock
