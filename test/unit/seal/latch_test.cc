// SPDX-License-Identifier: Apache-2.0
#include "src/seal/latch.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "src/records/record_pcrs.h"
#include "src/seal/unseal.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/recording_proxy.h"

namespace nvunlock {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CloseLatchesTest : public MachineTest {
 protected:
  void EnrollAs(const std::string& name = "nvdimm-master") const {
    EnrollOptions options = DefaultOptions();
    options.kek.description = name;
    Must(Enroll(environment_, options));
  }

  [[nodiscard]] std::vector<Error> Close(const std::string& device) const {
    TpmConnection tpm(device);
    return CloseLatches(environment_, tpm);
  }
  [[nodiscard]] std::vector<Error> Close() const { return Close(environment_.tpm_device); }

  [[nodiscard]] Result<Secret> Open(const std::string& name = "nvdimm-master") const {
    Tpm tpm = ConnectTo(swtpm());
    return std::move(TRY(UnsealKek(tpm, Must(store_.ReadKeyFile({"user", name})))).kek);
  }
};

TEST_F(CloseLatchesTest, TheLatchIsClosed) {
  EnrollAs();
  EXPECT_THAT(Open(), Succeeds());
  EXPECT_THAT(Close(), IsEmpty());
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed));
}

TEST_F(CloseLatchesTest, ClosingAgainIsNoProblem) {
  EnrollAs();
  EXPECT_THAT(Close(), IsEmpty());
  EXPECT_THAT(Close(), IsEmpty());
}

TEST_F(CloseLatchesTest, TheLatchesOfAllKeyFilesAreClosed) {
  EnrollAs();
  EnrollAs("rack7");
  EXPECT_THAT(Close(), IsEmpty());
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed));
  EXPECT_THAT(Open("rack7"), FailsWith(Errc::kLatchClosed));
}

TEST_F(CloseLatchesTest, WithoutATpmNothingIsSeenToBeClosed) {
  EnrollAs();
  EnrollAs("rack7");
  std::vector<Error> problems = Close("/nonexistent/tpm");
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].code, Errc::kNoTpm);
  EXPECT_THAT(problems[0].message, HasSubstr("the TPM may unseal once more in this boot"));
}

/// What CloseLatchesAtBoot makes of a machine without a TPM device.
class NoTpmAtBootTest : public CloseLatchesTest {
 protected:
  void SetUp() override { EnrollAs(); }

  [[nodiscard]] std::vector<Error> CloseAtBoot() {
    environment_.tpm_device = "/nonexistent/tpm";
    TpmConnection tpm(environment_.tpm_device);
    return CloseLatchesAtBoot(environment_, tpm);
  }
};

TEST_F(NoTpmAtBootTest, NoneThatWasEverThereIsNoProblem) {
  EXPECT_THAT(CloseAtBoot(), IsEmpty());
}

TEST_F(NoTpmAtBootTest, OneThatTheFirmwareDescribesIsMissed) {
  directory_.Write("sys/firmware/acpi/tables/TPM2", "");
  EXPECT_THAT(CloseAtBoot(), SizeIs(1));
}

TEST_F(NoTpmAtBootTest, OneThatHasBeenThereInThisBootIsMissed) {
  TpmConnection tpm(environment_.tpm_device);
  Must(RecordPcrs(environment_, tpm));
  EXPECT_THAT(CloseAtBoot(), SizeIs(1));
}

TEST_F(NoTpmAtBootTest, OneThatHasJustUnsealedIsMissed) {
  auto swtpm = std::make_unique<Swtpm>();
  TpmConnection tpm(swtpm->device());
  ASSERT_TRUE(tpm.Get());
  tpm.HangUp();
  swtpm.reset();
  EXPECT_THAT(CloseLatchesAtBoot(environment_, tpm), SizeIs(1));
}

TEST_F(CloseLatchesTest, WithoutKeyFilesThereIsNothingToDo) {
  EXPECT_THAT(Close(), IsEmpty());
}

TEST_F(CloseLatchesTest, ADamagedKeyFileIsAProblemAndStopsNoOther) {
  EnrollAs();
  WriteKeysFile("another.pem", "damaged");
  std::vector<Error> problems = Close();
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].code, Errc::kBadKeyFile);
  EXPECT_THAT(problems[0].message, HasSubstr("its latch was not closed"));
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed));
}

TEST_F(CloseLatchesTest, AnAnswerThatIsLostOrSpoiltTwiceIsAskedForAgain) {
  EnrollAs();
  {
    int spoilt = 0;
    RecordingProxy proxy(swtpm(), [&](uint32_t, Bytes& response) {
      if (spoilt == 0) response.clear();
      if (spoilt == 1) response[0] = 0;
      spoilt++;
    });
    EXPECT_THAT(Close(proxy.device()), IsEmpty());
    EXPECT_GT(spoilt, 2);
    proxy.FlushLeftovers();
  }
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed));
}

TEST_F(CloseLatchesTest, AnAnswerThatIsNotAuthenticIsAProblem) {
  EnrollAs();
  RecordingProxy proxy(swtpm(), [](uint32_t command, Bytes& response) {
    if (command == TPM2_CC_NV_ReadLock) response.back() ^= 1;
  });
  std::vector<Error> problems = Close(proxy.device());
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].code, Errc::kWrongTpm);
}

}  // namespace
}  // namespace nvunlock
