// SPDX-License-Identifier: Apache-2.0
#include "src/passphrase/sanitize.h"

#include "src/keys/recorded_blobs.h"
#include "src/model/blob_record.h"
#include "src/passphrase/wait_overwrite.h"
#include "src/records/unlock_record.h"
#include "test/unit/support/operations_test.h"
#include "test/unit/support/record_lines.h"

namespace nvunlock {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::SizeIs;
using testing::StartsWith;

class SanitizeTest : public OperationsTest {
 protected:
  void AddDimm(const std::string& security, const std::string& frozen = "0") const {
    tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = security, .frozen = frozen});
  }

  DimmReport Sanitize(SanitizeOptions options, const std::vector<std::string>& nmems = {"nmem0"}) {
    options.on_step = [this](const std::string& step) {
      steps_.push_back(step);
      if (loses_passphrase_) tree_.SetAttribute("nmem0", "security", "disabled");
    };
    options.refresh_images = [this]() -> Result<std::vector<std::string>> {
      refreshes_++;
      return Fail(Errc::kImageOutdated, "no image");
    };
    return SanitizeDimms(environment_, nmems, options);
  }

  void ExpectUntouched(const DimmReport& report, Errc code, const std::string& security) const {
    ASSERT_THAT(report.dimms, SizeIs(1));
    ASSERT_TRUE(report.dimms[0].problem);
    EXPECT_EQ(report.dimms[0].problem->code, code);
    EXPECT_EQ(Security(), security + "\n");
    EXPECT_THAT(steps_, IsEmpty());
  }

  bool loses_passphrase_ = false;
  int refreshes_ = 0;
  std::vector<std::string> steps_;
};

constexpr char kSerial[] = "[1-9][0-9]+";

TEST_F(SanitizeTest, ADimmIsErasedWithTheKeyOfItsBlob) {
  AddDimm("unlocked");
  AddBlob(kId);
  EXPECT_EQ(Sanitize({.crypto_erase = true}).CountDone(), 1U);
  EXPECT_THAT(Security(), MatchesRegex(std::string("erase ") + kSerial + "\n?"));
}

TEST_F(SanitizeTest, ADimmThatMayHaveAPassphraseIsNotSentZerosEvenWhenAsked) {
  AddDimm("unlocked");
  AddBlob(kId);
  for (const char* security : {"unlocked", "locked", "unheard-of"}) {
    tree_.SetAttribute("nmem0", "security", security);
    SanitizeOptions options = {.crypto_erase = true, .overwrite = true, .zero_key = true};
    ExpectUntouched(Sanitize(options), Errc::kFailed, security);
  }
}

TEST_F(SanitizeTest, OrWithTheOneInTheKeyring) {
  AddDimm("unlocked");
  std::string blob = Must(WrapPassphrase(kek_name_, kek_, SampleSecret(32))).text;
  nvunlock::Key key = Must(keyring().LoadEncrypted(std::string("nvdimm:") + kId, blob));
  EXPECT_EQ(Sanitize({.crypto_erase = true}).CountDone(), 1U);
  EXPECT_THAT(Security(), StartsWith("erase " + std::to_string(key.serial())));
}

/// The kernel would take 0 for 32 zeros, and the DIMM count a try.
TEST_F(SanitizeTest, ADimmWithAPassphraseNeverGetsTheZeroKeyUnasked) {
  AddDimm("unlocked");
  for (const char* security : {"unlocked", "locked", "unheard-of"}) {
    tree_.SetAttribute("nmem0", "security", security);
    ExpectUntouched(Sanitize({.crypto_erase = true}), Errc::kKeysIncomplete, security);
    ExpectUntouched(Sanitize({.overwrite = true}), Errc::kKeysIncomplete, security);
  }
}

TEST_F(SanitizeTest, NorDoesTheMasterPassphraseOfAnyDimm) {
  AddDimm("disabled");
  SanitizeOptions options = {.crypto_erase = true, .role = PassphraseRole::kMaster};
  ExpectUntouched(Sanitize(options), Errc::kKeysIncomplete, "disabled");
}

TEST_F(SanitizeTest, ADimmWithoutAPassphraseGetsTheZeroKeyWhenAsked) {
  AddDimm("disabled");
  EXPECT_EQ(Sanitize({.crypto_erase = true, .zero_key = true}).CountDone(), 1U);
  EXPECT_THAT(Security(), StartsWith("erase 0"));
}

TEST_F(SanitizeTest, SoItDoesInSpiteOfABlobThatIsLeft) {
  AddDimm("disabled");
  AddBlob(kId);
  EXPECT_EQ(Sanitize({.crypto_erase = true, .zero_key = true}).CountDone(), 1U);
  EXPECT_THAT(Security(), StartsWith("erase 0"));
}

/// ndctl finds no key for it and leaves it alone.
TEST_F(SanitizeTest, UnaskedADimmWithoutAPassphraseIsLeftAlone) {
  AddDimm("disabled");
  for (bool has_blob : {false, true}) {
    if (has_blob) AddBlob(kId);
    for (SanitizeOptions options :
         {SanitizeOptions{.crypto_erase = true}, SanitizeOptions{.overwrite = true},
          SanitizeOptions{.crypto_erase = true, .overwrite = true}}) {
      ExpectUntouched(Sanitize(options), Errc::kFailed, "disabled");
    }
  }
}

TEST_F(SanitizeTest, OneWithoutAPassphraseDoesNotStopTheOthers) {
  AddDimm("disabled");
  tree_.AddDimm({.nmem = "nmem1", .id = kOtherId, .security = "unlocked"});
  AddBlob(kOtherId);
  DimmReport report = Sanitize({.crypto_erase = true}, {"nmem0", "nmem1"});
  EXPECT_THAT(report.dimms.at(0).problem->message, HasSubstr("--zero-key"));
  EXPECT_EQ(Security("nmem0"), "disabled\n");
  EXPECT_THAT(Security("nmem1"), StartsWith("erase "));
}

TEST_F(SanitizeTest, TheMasterErasesWithItsOwnKey) {
  AddDimm("unlocked");
  AddBlob(kId);
  AddBlob(kId, kMasterBlob);
  SanitizeOptions options = {.crypto_erase = true, .role = PassphraseRole::kMaster};
  EXPECT_EQ(Sanitize(options).CountDone(), 1U);
  EXPECT_THAT(Security(), MatchesRegex(std::string("master_erase ") + kSerial + "\n?"));
}

/// Asking for the other would cost a try.
TEST_F(SanitizeTest, OfTwoBlobsTheOneThatUnlockedItIsAskedForFirst) {
  AddDimm("unlocked");
  for (bool spare : {false, true}) {
    tree_.SetAttribute("nmem0", "security", "unlocked");
    std::string current = AddBlob(kId);
    std::string staged = AddBlob(kId, kStagedBlob);
    std::string good = spare ? staged : current;
    Must(WriteUnlockedWith(environment_, {{kId, {HashOfBlob(good), false}}}));
    Sanitize({.crypto_erase = true});
    EXPECT_EQ(ReadBlob(kId), good);
  }
}

TEST_F(SanitizeTest, TheEraseComesBeforeTheOverwrite) {
  AddDimm("unlocked");
  AddBlob(kId);
  EXPECT_EQ(Sanitize({.crypto_erase = true, .overwrite = true}).CountDone(), 1U);
  EXPECT_THAT(steps_, ElementsAre("step: nmem0 erased", "step: nmem0 overwrite begun"));
  EXPECT_THAT(Security(), StartsWith("overwrite "));
}

TEST_F(SanitizeTest, BlobsOfADimmThatKeepsItsPassphraseStay) {
  AddDimm("unlocked");
  AddBlob(kId);
  Sanitize({.crypto_erase = true});
  EXPECT_TRUE(HoldsBlob(kId));
  EXPECT_EQ(refreshes_, 0);
}

TEST_F(SanitizeTest, BlobsKeysAndRecordOfADimmThatLosesItGo) {
  AddDimm("unlocked");
  std::string blob = AddBlob(kId);
  Must(keyring().LoadEncrypted(std::string("nvdimm:") + kId, blob));
  AddBlob(kId, kStagedBlob);
  RecordLine master = LineFor(kId, AddBlob(kId, kMasterBlob), kek_, PassphraseRole::kMaster);
  WriteKeysFile(kEnrolledDimmsFile, FormatBlobRecord({LineFor(kId, blob, kek_), master}));
  loses_passphrase_ = true;
  DimmReport report = Sanitize({.crypto_erase = true});
  EXPECT_EQ(report.CountDone(), 1U);
  EXPECT_FALSE(HoldsBlob(kId));
  EXPECT_FALSE(HoldsBlob(kId, kStagedBlob));
  EXPECT_TRUE(HoldsBlob(kId, kMasterBlob));
  EXPECT_FALSE(HoldsKey("encrypted", std::string("nvdimm:") + kId));
  std::vector<std::string> notes;
  EXPECT_THAT(ReadBlobRecord(store_, notes).lines, ElementsAre(master));
  // An image that still holds its blob does no harm.
  EXPECT_EQ(refreshes_, 1);
  EXPECT_THAT(report.notes, ElementsAre("no image"));
  EXPECT_THAT(report.problems, IsEmpty());
}

TEST_F(SanitizeTest, AFrozenDimmIsLeftAloneAndStopsNoOther) {
  AddDimm("unlocked", "1");
  tree_.AddDimm({.nmem = "nmem1", .id = kOtherId, .security = "unlocked"});
  AddBlob(kId);
  AddBlob(kOtherId);
  DimmReport report = Sanitize({.crypto_erase = true}, {"nmem0", "nmem1"});
  EXPECT_THAT(report.dimms.at(0).problem->message, HasSubstr("frozen"));
  EXPECT_EQ(Security("nmem0"), "unlocked\n");
  EXPECT_FALSE(report.dimms.at(1).problem);
  EXPECT_THAT(Security("nmem1"), StartsWith("erase "));
}

TEST_F(SanitizeTest, ADryRunSaysWhatWouldBeWrittenAndWritesNothing) {
  AddDimm("unlocked");
  AddBlob(kId);
  DimmReport report = Sanitize({.crypto_erase = true, .overwrite = true, .dry_run = true});
  EXPECT_THAT(report.dimms.at(0).planned,
              ElementsAre(HasSubstr("\"erase\""), HasSubstr("\"overwrite\"")));
  EXPECT_EQ(Security(), "unlocked\n");
  EXPECT_THAT(steps_, IsEmpty());
}

class WaitOverwriteTest : public OperationsTest {
 protected:
  DimmReport Wait(unsigned timeout_seconds = 0) {
    return WaitForOverwrites(environment_, {"nmem0"},
                             {.timeout_seconds = timeout_seconds,
                              .on_waiting = [this](const std::string&, unsigned) { waits_++; }});
  }

  int waits_ = 0;
};

TEST_F(WaitOverwriteTest, BlobsOfADimmThatHasNoPassphraseAfterwardsGo) {
  tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = "disabled"});
  AddBlob(kId);
  AddBlob(kOtherId);
  EXPECT_EQ(Wait().CountDone(), 1U);
  EXPECT_FALSE(HoldsBlob(kId));
  EXPECT_TRUE(HoldsBlob(kOtherId));
}

/// The kek may be long gone when an overwrite ends.
TEST_F(WaitOverwriteTest, TheirLinesOfTheRecordGoWithoutTheKekToo) {
  tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = "disabled"});
  RecordLine other = LineFor(kOtherId, AddBlob(kOtherId), kek_);
  WriteKeysFile(kEnrolledDimmsFile, FormatBlobRecord({LineFor(kId, AddBlob(kId), kek_), other}));
  keyctl_clear(keyring().serial());
  Wait();
  EXPECT_FALSE(HoldsBlob(kId));
  std::vector<std::string> notes;
  EXPECT_THAT(ReadBlobRecord(store_, notes).lines, ElementsAre(other));
}

TEST_F(WaitOverwriteTest, BlobsOfADimmThatKeptItsPassphraseStay) {
  tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = "unlocked"});
  AddBlob(kId);
  EXPECT_EQ(Wait().CountDone(), 1U);
  EXPECT_TRUE(HoldsBlob(kId));
  EXPECT_EQ(waits_, 0);
}

TEST_F(WaitOverwriteTest, OneThatStillRunsIsAFailure) {
  tree_.AddDimm({.nmem = "nmem0", .id = kId, .security = "overwrite"});
  AddBlob(kId);
  DimmReport report = Wait(1);
  EXPECT_EQ(report.dimms.at(0).problem->code, Errc::kOverwriting);
  EXPECT_GE(waits_, 1);
  EXPECT_TRUE(HoldsBlob(kId));
}

}  // namespace
}  // namespace nvunlock
