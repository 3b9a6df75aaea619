// SPDX-License-Identifier: Apache-2.0
#include "src/status/inspect.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "src/model/blob_record.h"
#include "src/records/unlock_record.h"
#include "src/seal/latch.h"
#include "test/unit/support/event_logs.h"
#include "test/unit/support/inspected_machine.h"
#include "test/unit/support/nd_tree.h"
#include "test/unit/support/recording_proxy.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(InspectTest, AMachineThatWillUnlockHasNoProblem) {
  ExpectGood();
  MachineStatus status = Look();
  ASSERT_THAT(status.keks, SizeIs(1));
  ASSERT_THAT(status.keks[0].slots, SizeIs(1));
  std::vector<std::string> subjects;
  for (const Check& check : status.keks[0].slots[0].checks) subjects.push_back(check.subject);
  EXPECT_THAT(subjects, ElementsAre("storage root key", "sealed object", "policy digest", "latch",
                                    "approval"));
  EXPECT_THAT(ApprovalCheck().state,
              testing::StartsWith("the next boot is approved: PCR 7+8:sha256 ("));
  EXPECT_FALSE(VerdictNow().pin);
}

TEST_F(InspectTest, OnlyReadsAndALoadGoToTheTpm) {
  RecordingProxy proxy(swtpm());
  EXPECT_EQ(Judge(Look(proxy.device())).Verdict(), std::nullopt);
  EXPECT_THAT(proxy.commands(), testing::Contains(TPM2_CC_Load));
  EXPECT_THAT(proxy.commands(),
              Each(testing::AnyOf(TPM2_CC_ReadPublic, TPM2_CC_Load, TPM2_CC_NV_ReadPublic,
                                  TPM2_CC_GetCapability, TPM2_CC_PCR_Read, TPM2_CC_StartAuthSession,
                                  TPM2_CC_NV_Read)));
}

TEST_F(InspectTest, NothingIsLeftInTheTpmOrTheKeyring) {
  for (int i = 0; i < 5; i++) ExpectGood();
  EXPECT_EQ(swtpm().RunTools("tpm2_getcap handles-transient"), "");
  EXPECT_FALSE(HoldsKey("user", "nvdimm-master"));
}

TEST_F(InspectTest, WithoutATpmThatIsTheProblem) {
  environment_.tpm_device = "/nonexistent/tpm";
  ExpectProblem(Errc::kNoTpm, "/nonexistent/tpm");
}

TEST_F(InspectTest, AnotherStorageRootKeyIsNoticed) {
  {
    Tpm tpm = ConnectTo(swtpm());
    EvictPersistent(tpm, kSrkHandle);
  }
  ExpectProblem(Errc::kWrongTpm, "no storage root key any more");
  swtpm().RunTools(
      "tpm2_createprimary -Q -C o -G rsa2048 -c p.ctx && tpm2_evictcontrol -Q -C o -c p.ctx "
      "0x81000001");
  ExpectProblem(Errc::kWrongTpm, "another one than at enrollment");
  Tpm tpm = ConnectTo(swtpm());
  EvictPersistent(tpm, kSrkHandle);
}

TEST_F(InspectTest, AnNvIndexThatTheOwnerRemovedIsNoticed) {
  {
    Tpm tpm = ConnectTo(swtpm());
    Must(RemoveIndex(tpm, ReadKeyFile().slots[0].key.policy.latch.index));
  }
  ExpectProblem(Errc::kLatchGone, "is gone or was made anew");
}

TEST_F(InspectTest, AClosedLatchIsShownAndIsNoProblem) {
  EXPECT_EQ(LatchCheck().state, "open");
  {
    TpmConnection connection(environment_.tpm_device);
    ASSERT_THAT(CloseLatches(environment_, connection), IsEmpty());
  }
  EXPECT_EQ(LatchCheck().state, "closed until the next TPM reset");
  ExpectGood();
}

TEST_F(InspectTest, AChangedPcrIsNamed) {
  Extend(8);
  ExpectProblem(Errc::kPolicyMismatch, "by their current values; PCR 8 (sha256) differs");
  EXPECT_EQ(ApprovalCheck().state, "the next boot is not approved");
  Reboot();
}

TEST_F(InspectTest, APcrThatChangedAfterItWasRecordedDoesNotMatter) {
  RecordInInitramfs();
  Extend(8);
  ExpectGood();
  Reboot();
}

TEST_F(InspectTest, APcrThatChangedAfterTheFirmwareDoesNotMatter) {
  directory_.Write("sys/kernel/security/tpm0/binary_bios_measurements", AsText(LogOfPcrs({7, 8})));
  Extend(8);
  ExpectGood();
  Reboot();
}

TEST_F(InspectTest, APolicyThatTheSecretWasNotSealedUnderNeverOpens) {
  KeyFile file = ReadKeyFile();
  file.slots[0].key.policy.latch.value[0] ^= 1;
  WriteKeyFile(file);
  ExpectProblem(Errc::kBadKeyFile, "not the one that the secret was sealed under");
}

TEST_F(InspectTest, ASealedObjectOfAnotherTpmDoesNotLoad) {
  KeyFile file = ReadKeyFile();
  file.slots[0].key.sealed.private_area.back() ^= 1;
  WriteKeyFile(file);
  ExpectProblem(Errc::kWrongTpm, "load the sealed object");
}

TEST_F(InspectTest, OneSlotThatOpensIsEnough) {
  KeyFile file = ReadKeyFile();
  TpmSlot bad = file.slots[0];
  bad.key.policy.latch.value[0] ^= 1;
  file.slots.insert(file.slots.begin(), bad);
  WriteKeyFile(file);
  ExpectGood();
}

TEST_F(InspectTest, ASlotWithAPinIsSaidToWantOneAndLockoutIsAProblem) {
  EnrollOptions options = DefaultOptions();
  options.pin = SecretOf("12345");
  EnrollAnew(options);
  ExpectGood();
  EXPECT_TRUE(VerdictNow().pin);
  EXPECT_EQ(Look().lockout->tries_left > 1, true);
  swtpm().RunTools("tpm2_dictionarylockout -Q -s -n 1 -t 777 -l 888");
  ExpectProblem(Errc::kLockout, "777 seconds");
  swtpm().RunTools("tpm2_dictionarylockout -Q -s -n 5 -t 777 -l 888");
}

TEST_F(InspectTest, ADamagedKeyFileIsAProblem) {
  std::string text = ReadKeysFile(kKeyFile);
  WriteKeysFile(kKeyFile, text.substr(0, text.size() / 2));
  EXPECT_EQ(VerdictNow().Verdict(), Errc::kBadKeyFile);
  WriteKeysFile(kKeyFile, "nonsense");
  ExpectProblem(Errc::kBadKeyFile, "it is incomplete");
  std::filesystem::remove(KeysPathOf(kKeyFile));
  ExpectProblem(Errc::kBadKeyFile, "No such file");
}

TEST_F(InspectTest, WhereNothingIsEnrolledNothingUnlocks) {
  std::filesystem::remove_all(environment_.keys_dir);
  ExpectProblem(Errc::kBadKeyFile, "nothing is enrolled");
}

TEST_F(InspectTest, AKekThatNoBlobNamesDoesNotMatter) {
  WriteKeysFile("another.pem", "nonsense");
  ExpectGood();
  EXPECT_THAT(Look().keks, SizeIs(2));
}

TEST_F(InspectTest, AMissingOrDamagedBlobIsAProblem) {
  std::string blob = ReadKeysFile(BlobName());
  WriteKeysFile(BlobName(), blob.substr(0, 40));
  ExpectProblem(Errc::kKeysIncomplete, kDimmId);
}

TEST_F(InspectTest, ABlobThatTheKekDoesNotOpenIsNoticedWhereTheKekIsAtHand) {
  std::string blob = ReadKeysFile(BlobName());
  blob.back() = blob.back() == '0' ? '1' : '0';
  WriteKeysFile(BlobName(), blob);
  ExpectGood();
  Must(keyring().AddUser("nvdimm-master", kek_.bytes()));
  ExpectProblem(Errc::kKeysIncomplete, "its HMAC does not hold");
}

/// The keys directory is an older one: an image that is built from it would not unlock.
TEST_F(InspectTest, ABlobThatHasNotUnlockedAFrozenDimmIsAProblem) {
  std::string hash = HashOfBlob(ReadKeysFile(BlobName()));
  Must(WriteUnlockedWith(environment_, {{kDimmId, {hash, true}}}));
  ExpectGood();
  Must(WriteUnlockedWith(environment_, {{kDimmId, {HashOfBlob("enc32 newer"), false}}}));
  ExpectGood();
  Must(WriteUnlockedWith(environment_, {{kDimmId, {HashOfBlob("enc32 newer"), true}}}));
  ExpectProblem(Errc::kFailed, "before you rebuild any image");
}

TEST_F(InspectTest, ABlobThatIsNotRecordedIsRemarkedUpon) {
  Record({});
  BootVerdict verdict = VerdictNow();
  EXPECT_EQ(verdict.Verdict(), std::nullopt);
  EXPECT_THAT(verdict.remarks, testing::Contains(HasSubstr("is not recorded")));
  Record({LineFor(kDimmId, ReadKeysFile(BlobName()), kek_)});
  EXPECT_THAT(VerdictNow().remarks, testing::Not(testing::Contains(HasSubstr("is not recorded"))));
}

TEST_F(InspectTest, TheBlobOfAnotherDimmIsAProblemUnlessItsLineIsShownToBeFalse) {
  AddBlob(kOtherDimmId, kek_);
  Record({LineFor(kOtherDimmId, ReadKeysFile(BlobName()), SampleSecret(32, 2))});
  ExpectProblem(Errc::kKeysIncomplete, "it is the blob of DIMM");
  Must(keyring().AddUser("nvdimm-master", kek_.bytes()));
  EXPECT_THAT(VerdictNow().remarks, testing::Contains(HasSubstr("1 line is damaged")));
  EXPECT_THAT(VerdictNow().problems, testing::IsEmpty());
  Record({LineFor(kOtherDimmId, ReadKeysFile(BlobName()), kek_)});
  ExpectProblem(Errc::kKeysIncomplete, "it is the blob of DIMM");
}

TEST_F(InspectTest, AnEnrolledDimmWithoutItsBlobIsAProblem) {
  RecordLine lost = LineFor(kOtherDimmId, ReadKeysFile(BlobName()), kek_);
  lost.hash = std::string(64, '0');
  Record({LineFor(kDimmId, ReadKeysFile(BlobName()), kek_), lost});
  ExpectProblem(Errc::kKeysIncomplete, kOtherDimmId);
}

/// Its blob went with its passphrase, and the record of the enrollment stayed.
TEST_F(InspectTest, ADimmWithoutAPassphraseNeedsNoBlob) {
  RecordLine lost = LineFor(kOtherDimmId, ReadKeysFile(BlobName()), kek_);
  lost.hash = std::string(64, '0');
  Record({LineFor(kDimmId, ReadKeysFile(BlobName()), kek_), lost});
  NdTree tree(directory_);
  tree.AddDimm({.nmem = "nmem1", .id = kOtherDimmId, .security = "disabled", .bound = true});
  ExpectGood();
}

TEST_F(InspectTest, ADimmWithAPassphraseButNoBlobIsAProblem) {
  NdTree tree(directory_);
  tree.AddDimm({.nmem = "nmem0", .security = "unlocked", .bound = true});
  ExpectGood();
  tree.AddDimm({.nmem = "nmem1", .id = kOtherDimmId, .security = "unlocked", .bound = true});
  ExpectProblem(Errc::kDimmLocked, "nmem1");
}

}  // namespace
}  // namespace nvunlock
