// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/load_keys.h"

#include <gmock/gmock.h>

#include "test/unit/support/machine.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::SizeIs;

constexpr char kDimmKey[] = "nvdimm:8089-a2-1740-00000133";
constexpr char kOtherDimmKey[] = "nvdimm:8089-a2-1740-00000134";

class LoadKeysTest : public MachineTest {
 protected:
  [[nodiscard]] LoadKeysOptions Options() const { return {.keyring = keyring(), .host = "here"}; }

  LoadedKeys Load(const LoadKeysOptions& options) const {
    TpmConnection tpm(environment_.tpm_device);
    return Must(LoadKeys(store_, tpm, options));
  }
  LoadedKeys Load() const { return Load(Options()); }

  /// Whether a kek of this name is in the machine's keyring or in that of this process.
  [[nodiscard]] bool HoldsKek(const std::string& description = "nvdimm-master") const {
    return HoldsKey("user", description) ||
           Must(Keyring::Process().Find("user", description)).has_value();
  }

  const Secret kek_ = SampleSecret(32);
};

TEST_F(LoadKeysTest, EveryDimmGetsTheKeyOfItsBlob) {
  EnrollKek(kek_);
  std::string blob = AddBlob(kDimmId, kek_);
  std::string other_blob = AddBlob(kOtherDimmId, kek_);
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kDimmId), Key(kOtherDimmId)));
  EXPECT_THAT(loaded.failed, IsEmpty());
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.keks_loaded, 1U);
  EXPECT_EQ(LoadedBlob(kDimmKey, kek_), blob);
  EXPECT_EQ(LoadedBlob(kOtherDimmKey, kek_), other_blob);
}

TEST_F(LoadKeysTest, TheKekIsNotLeftBehind) {
  EnrollKek(kek_);
  AddBlob(kDimmId, kek_);
  Load();
  EXPECT_FALSE(HoldsKek());
}

TEST_F(LoadKeysTest, TheKekStaysWhenItIsToBeKept) {
  EnrollKek(kek_);
  AddBlob(kDimmId, kek_);
  LoadKeysOptions options = Options();
  options.keep_kek = true;
  Load(options);
  std::optional<nvunlock::Key> key = Must(keyring().Find("user", "nvdimm-master"));
  ASSERT_TRUE(key);
  EXPECT_TRUE(Must(key->Read()).Equals(kek_));
}

TEST_F(LoadKeysTest, AKekThatWasInTheKeyringBeforeIsUsedAndDropped) {
  EnrollKek(kek_);
  AddBlob(kDimmId, kek_);
  (void)Must(keyring().AddUser("nvdimm-master", kek_.bytes()));
  environment_.tpm_device = "/nonexistent/tpm";
  EXPECT_THAT(Load().keys, ElementsAre(Key(kDimmId)));
  EXPECT_FALSE(HoldsKek());
}

TEST_F(LoadKeysTest, DoingItAgainChangesNothing) {
  EnrollKek(kek_);
  AddBlob(kDimmId, kek_);
  nvunlock::Key first = Load().keys.at(kDimmId).at(0);
  LoadedKeys again = Load();
  EXPECT_THAT(again.failed, IsEmpty());
  EXPECT_EQ(again.keys.at(kDimmId).at(0).serial(), first.serial());
}

TEST_F(LoadKeysTest, DimmKeysExpireWhenTheyShall) {
  EnrollKek(kek_);
  AddBlob(kDimmId, kek_);
  AddBlob("4660", kek_);
  EXPECT_EQ(ExpiryOf(Load().keys.at(kDimmId).at(0)), "perm");
  keyctl_clear(keyring().serial());
  LoadKeysOptions options = Options();
  options.expire_seconds = 600;
  for (const auto& [id, keys] : Load(options).keys) {
    for (const nvunlock::Key& key : keys) EXPECT_NE(ExpiryOf(key), "perm") << id.canonical();
  }
}

TEST_F(LoadKeysTest, CxlDimmsGetAKeyForEverySpelling) {
  EnrollKek(kek_);
  AddBlob("-2", kek_);
  EXPECT_THAT(Load().keys.at("18446744073709551614"), SizeIs(3));
  for (const char* spelling : {"-2", "18446744073709551614", "fffffffffffffffe"}) {
    EXPECT_TRUE(HoldsKey("encrypted", std::string("nvdimm:") + spelling)) << spelling;
  }
}

TEST_F(LoadKeysTest, EveryKekOpensItsOwnBlobs) {
  const Secret other_kek = SampleSecret(32, 0x50);
  EnrollKek(kek_);
  EnrollKek(other_kek, "rack7");
  AddBlob(kDimmId, kek_);
  AddBlob(kOtherDimmId, other_kek, "rack7");
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, SizeIs(2));
  EXPECT_EQ(loaded.keks_loaded, 2U);
  EXPECT_FALSE(HoldsKek("rack7"));
}

TEST_F(LoadKeysTest, KeksThatNoBlobNamesAreLoadedOnlyOnRequest) {
  const Secret other_kek = SampleSecret(32, 0x50);
  EnrollKek(kek_);
  EnrollKek(other_kek, "rack7");
  AddBlob(kDimmId, other_kek, "rack7");
  LoadKeysOptions options = Options();
  options.keep_kek = true;
  EXPECT_EQ(Load(options).keks_loaded, 1U);
  EXPECT_FALSE(HoldsKek());
  options.all_keks = true;
  EXPECT_EQ(Load(options).keks_loaded, 2U);
  EXPECT_TRUE(HoldsKek());
}

/// So that a boot is learnt before the first passphrase is set.
TEST_F(LoadKeysTest, WhereThereIsNoBlobYetEveryKekIsOpenedAndNoneIsMissed) {
  EnrollKek(kek_);
  int opened = 0;
  LoadKeysOptions options = Options();
  options.on_opened = [&](const KeyFile&, const Secret&, bool approved) {
    EXPECT_TRUE(approved);
    opened++;
  };
  EXPECT_EQ(Load(options).keks_loaded, 1U);
  EXPECT_EQ(opened, 1);
  EXPECT_FALSE(HoldsKek());
  environment_.tpm_device = "/nonexistent/tpm";
  LoadedKeys loaded = Load(options);
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_THAT(loaded.notes, ElementsAre(HasSubstr("/nonexistent/tpm")));
}

class ClearKekTest : public LoadKeysTest {
 protected:
  ClearKekTest() { options_.clear_keks = options_.all_keks = options_.keep_kek = true; }

  LoadKeysOptions options_ = Options();
};

TEST_F(ClearKekTest, NdctlsFileServesWhereThereIsNoKeyFile) {
  environment_.tpm_device = "/nonexistent/tpm";
  WriteKeysFile("nvdimm-master.blob", AsText(kek_.bytes()));
  LoadedKeys loaded = Load(options_);
  EXPECT_EQ(loaded.keks_loaded, 1U);
  EXPECT_THAT(loaded.notes,
              ElementsAre(HasSubstr(
                  "in clear; if there is a TPM, seal it with 'nvunlock enroll --import'")));
  AddBlob(kDimmId, kek_);
  EXPECT_THAT(Load(options_).keys, ElementsAre(Key(kDimmId)));
  EXPECT_TRUE(Must(Must(keyring().Find("user", "nvdimm-master"))->Read()).Equals(kek_));
}

TEST_F(ClearKekTest, OfEveryName) {
  AddBlob(kDimmId, kek_, "rack7");
  WriteKeysFile("rack7.blob", AsText(kek_.bytes()));
  LoadedKeys loaded = Load(options_);
  EXPECT_THAT(loaded.keys, ElementsAre(Key(kDimmId)));
  EXPECT_THAT(loaded.notes, ElementsAre(HasSubstr("--import --kek=user:rack7'")));
}

TEST_F(ClearKekTest, NothingInClearDecidesInAnUnlock) {
  AddBlob(kDimmId, kek_);
  WriteKeysFile("nvdimm-master.blob", AsText(kek_.bytes()));
  LoadedKeys loaded = Load();
  EXPECT_THAT(loaded.keys, IsEmpty());
  EXPECT_EQ(loaded.keks_loaded, 0U);
  EXPECT_THAT(loaded.problems, ElementsAre(testing::Field(
                                   &Error::message, HasSubstr("'nvunlock enroll --import'"))));
}

TEST_F(ClearKekTest, AKeyFileComesFirst) {
  EnrollKek(kek_);
  AddBlob(kDimmId, kek_);
  WriteKeysFile("nvdimm-master.blob", AsText(SampleSecret(32, 0x50).bytes()));
  EXPECT_THAT(Load(options_).keys, ElementsAre(Key(kDimmId)));
  EXPECT_TRUE(Must(Must(keyring().Find("user", "nvdimm-master"))->Read()).Equals(kek_));
}

TEST_F(ClearKekTest, ATrustedKekIsNotTakenForOne) {
  const std::string text(400, 'a');
  const std::string trusted_blob = "enc32 trusted:nvdimm-master 32 " + std::string(162, 'a');
  const std::string blob_name = std::string("nvdimm_") + kDimmId + "_here.blob";
  struct Sign {
    const char* file;
    std::string content;
    const char* words;
  };
  for (const auto& [file, content, words] :
       {Sign{"tpm.handle", "0x81000001\n", "tpm.handle"},
        Sign{blob_name.c_str(), trusted_blob, "is wrapped by trusted:nvdimm-master"},
        Sign{"nvdimm-master.blob", text, "holds a trusted kek"}}) {
    WriteKeysFile("nvdimm-master.blob", AsText(kek_.bytes()));
    WriteKeysFile(file, content);
    LoadedKeys loaded = Load(options_);
    EXPECT_THAT(loaded.problems,
                testing::Contains(testing::Field(&Error::message, HasSubstr(words))));
    EXPECT_EQ(loaded.keks_loaded, 0U) << file;
    EXPECT_FALSE(HoldsKek()) << file;
    std::remove(KeysPathOf(file).c_str());
  }
}

TEST_F(LoadKeysTest, NothingEnrolledIsNothingToDo) {
  environment_.tpm_device = "/nonexistent/tpm";
  LoadKeysOptions options = Options();
  options.all_keks = true;
  LoadedKeys loaded = Load(options);
  EXPECT_THAT(loaded.keys, IsEmpty());
  EXPECT_THAT(loaded.failed, IsEmpty());
  EXPECT_THAT(loaded.problems, IsEmpty());
}

}  // namespace
}  // namespace nvunlock
