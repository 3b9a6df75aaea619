#include "src/procedures/close_latches.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "test/unit/machine.h"
#include "test/unit/recording_proxy.h"

namespace nvunlock {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CloseLatchesTest : public MachineTest {
 protected:
  void EnrollWithLatch(const LatchChoice& latch, const std::string& name = "nvdimm-master") const {
    EnrollOptions options = DefaultOptions();
    options.kek.description = name;
    options.slot.latch = latch;
    Must(Enroll(environment_, options));
  }

  [[nodiscard]] std::vector<Error> Close(const std::string& device) const {
    TpmConnection tpm(device);
    return CloseLatches(store_, tpm);
  }
  [[nodiscard]] std::vector<Error> Close() const { return Close(environment_.tpm_device); }

  [[nodiscard]] Result<Secret> Open(const std::string& name = "nvdimm-master") const {
    Tpm tpm = ConnectTo(swtpm());
    return UnsealKek(tpm, Must(store_.ReadKeyFile({"user", name})));
  }
};

TEST_F(CloseLatchesTest, AnNvLatchIsClosed) {
  EnrollWithLatch({LatchKind::kNv});
  EXPECT_THAT(Open(), Succeeds());
  EXPECT_THAT(Close(), IsEmpty());
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed));
}

TEST_F(CloseLatchesTest, APcrLatchIsClosed) {
  EnrollWithLatch({LatchKind::kPcr, 12});
  EXPECT_THAT(Open(), Succeeds());
  EXPECT_THAT(Close(), IsEmpty());
  EXPECT_THAT(Open(), FailsWith(Errc::kPolicyMismatch, "PCR 12"));
}

TEST_F(CloseLatchesTest, WithoutALatchItOpensAsBefore) {
  EnrollWithLatch({LatchKind::kNone});
  EXPECT_THAT(Close(), IsEmpty());
  EXPECT_THAT(Open(), Succeeds());
}

TEST_F(CloseLatchesTest, ClosingAgainIsNoProblem) {
  EnrollWithLatch({LatchKind::kNv});
  EXPECT_THAT(Close(), IsEmpty());
  EXPECT_THAT(Close(), IsEmpty());
}

TEST_F(CloseLatchesTest, TheLatchesOfAllKeyFilesAreClosed) {
  EnrollWithLatch({LatchKind::kNv});
  EnrollWithLatch({LatchKind::kPcr, 13}, "rack7");
  EXPECT_THAT(Close(), IsEmpty());
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed));
  EXPECT_THAT(Open("rack7"), FailsWith(Errc::kPolicyMismatch, "PCR 13"));
}

TEST_F(CloseLatchesTest, ALatchThatTwoKeyFilesShareIsClosedOnce) {
  EnrollWithLatch({LatchKind::kNv});
  EnrollWithLatch({LatchKind::kNv}, "rack7");
  RecordingProxy proxy(swtpm());
  EXPECT_THAT(Close(proxy.device()), IsEmpty());
  EXPECT_EQ(std::ranges::count(proxy.commands(), TPM2_CC_NV_ReadLock), 1);
}

TEST_F(CloseLatchesTest, WithoutATpmNothingIsOpen) {
  EnrollWithLatch({LatchKind::kNv});
  EXPECT_THAT(Close("/nonexistent/tpm"), IsEmpty());
}

TEST_F(CloseLatchesTest, WithoutKeyFilesThereIsNothingToDo) {
  EXPECT_THAT(Close(), IsEmpty());
}

TEST_F(CloseLatchesTest, ADamagedKeyFileIsAProblemAndStopsNoOther) {
  EnrollWithLatch({LatchKind::kNv});
  WriteKeysFile("another.pem", "damaged");
  std::vector<Error> problems = Close();
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].code, Errc::kBadKeyFile);
  EXPECT_THAT(problems[0].message, HasSubstr("its latch was not closed"));
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed));
}

TEST_F(CloseLatchesTest, AnAnswerThatIsNotAuthenticIsAProblem) {
  EnrollWithLatch({LatchKind::kNv});
  RecordingProxy proxy(swtpm(), [](uint32_t command, Bytes& response) {
    if (command == TPM2_CC_NV_ReadLock) response.back() ^= 1;
  });
  std::vector<Error> problems = Close(proxy.device());
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].code, Errc::kWrongTpm);
}

}  // namespace
}  // namespace nvunlock
