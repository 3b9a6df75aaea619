// SPDX-License-Identifier: Apache-2.0
#include "src/records/record_pcrs.h"

#include <gmock/gmock.h>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/swtpm.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

class RecordPcrsTest : public SwtpmTest {
 protected:
  [[nodiscard]] Result<void> Record() const {
    TpmConnection connection(swtpm().device());
    return RecordPcrs(environment_, connection);
  }

  [[nodiscard]] std::optional<PcrRecord> Recorded() const {
    return Must(ReadPcrRecord(environment_));
  }

  TemporaryDirectory directory_;
  Environment environment_ = EnvironmentBelow(directory_.path());
};

TEST_F(RecordPcrsTest, LeavesAllPcrsOfEveryActiveBank) {
  ASSERT_THAT(Record(), Succeeds());
  PcrRecord record = Recorded().value();
  EXPECT_THAT(record.banks, ElementsAre(testing::Key("sha1"), testing::Key("sha256"),
                                        testing::Key("sha384"), testing::Key("sha512")));
  for (const auto& [bank, values] : record.banks) EXPECT_THAT(values, SizeIs(24)) << bank;
  Tpm tpm = ConnectTo(swtpm());
  EXPECT_EQ(record.banks["sha256"], Must(ReadPcrs(tpm, Sha256Bank(), 0xffffff)));
}

TEST_F(RecordPcrsTest, KeepsWhatSystemdStubHandedOver) {
  directory_.Write(".extra/tpm2-pcr-signature.json", "{}");
  directory_.Write(".extra/tpm2-pcr-public-key.pem", "a key");
  directory_.Write(".extra/else", "x");
  EXPECT_THAT(Record(), Succeeds());
  EXPECT_EQ(directory_.Read("run/nvunlock/tpm2-pcr-signature.json"), "{}");
  EXPECT_EQ(directory_.Read("run/nvunlock/tpm2-pcr-public-key.pem"), "a key");
  EXPECT_FALSE(directory_.Holds("run/nvunlock/else"));
}

TEST_F(RecordPcrsTest, TheFirstRecordOfABootStays) {
  ASSERT_THAT(Record(), Succeeds());
  PcrRecord first = Recorded().value();
  {
    Tpm tpm = ConnectTo(swtpm());
    ExtendPcr(tpm, 11, Sha256Bank());
  }
  ASSERT_THAT(Record(), Succeeds());
  EXPECT_EQ(Recorded()->banks, first.banks);
}

TEST_F(RecordPcrsTest, SaysWhetherItWasMadeInAnInitramfs) {
  ASSERT_THAT(Record(), Succeeds());
  EXPECT_FALSE(Recorded()->in_initramfs);
  std::filesystem::remove(environment_.run_dir + "/" + kPcrRecordFile);
  directory_.Write("etc/nvunlock/image", "ID=debian\n");
  ASSERT_THAT(Record(), Succeeds());
  EXPECT_TRUE(Recorded()->in_initramfs);
}

TEST_F(RecordPcrsTest, WithoutATpmNothingIsRecordedAndNothingIsWrong) {
  TpmConnection nowhere(directory_.PathOf("missing"));
  EXPECT_THAT(RecordPcrs(environment_, nowhere), Succeeds());
  EXPECT_EQ(Recorded(), std::nullopt);
}

TEST_F(RecordPcrsTest, ADamagedRecordIsNamedByItsPath) {
  directory_.Write("run/nvunlock/pcrs.json", "{");
  EXPECT_THAT(ReadPcrRecord(environment_), FailsWith(Errc::kFailed, "run/nvunlock/pcrs.json: "));
}

TEST(TpmConnectionTest, IsMadeOnceAndAFailureIsRemembered) {
  TemporaryDirectory directory;
  TpmConnection nowhere(directory.PathOf("tpm"));
  EXPECT_THAT(nowhere.Get(), FailsWith(Errc::kNoTpm));
  directory.Link("tpm", "/dev/null");
  EXPECT_THAT(nowhere.Get(), FailsWith(Errc::kNoTpm));

  TpmConnection somewhere("/dev/null");
  Tpm* tpm = Must(somewhere.Get());
  EXPECT_EQ(Must(somewhere.Get()), tpm);
}

}  // namespace
}  // namespace nvunlock
