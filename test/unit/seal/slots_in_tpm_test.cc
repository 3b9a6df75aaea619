// SPDX-License-Identifier: Apache-2.0
// What wiping a TPM slot does to the TPM.
#include <gmock/gmock.h>

#include "src/seal/slots.h"
#include "src/seal/unseal.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/nv_indexes.h"

namespace nvunlock {
namespace {

using testing::Contains;
using testing::HasSubstr;

class SlotsInTpmTest : public MachineTest {
 protected:
  void SetUp() override {
    EnrollOptions options = DefaultOptions();
    options.recovery.key = SampleSecret(32);
    Must(Enroll(environment_, options));
  }

  [[nodiscard]] KeyFile File() const { return Must(store_.ReadKeyFile(kek_)); }
  [[nodiscard]] WipeReport Wipe(const std::string& which) const {
    return Must(WipeSlots(environment_, kek_, which));
  }

  static size_t Indexes() {
    Tpm tpm = ConnectTo(swtpm());
    return CountNvIndexes(tpm);
  }
  static Result<OpenedKek> Open(const KeyFile& file) {
    Tpm tpm = ConnectTo(swtpm());
    return UnsealKek(tpm, file);
  }

  const KekName kek_ = {"user", "nvdimm-master"};
};

TEST_F(SlotsInTpmTest, AnOldCopyOfTheKeyFileDoesNotOpenAnyMore) {
  const KeyFile old = File();
  EXPECT_THAT(Open(old), Succeeds());
  EXPECT_THAT(Wipe("tpm2").notes, testing::IsEmpty());
  EXPECT_EQ(Indexes(), 0U);
  EXPECT_THAT(Open(old), FailsWith(Errc::kLatchGone));
}

TEST_F(SlotsInTpmTest, WipingARecoverySlotLeavesTheIndexes) {
  EXPECT_THAT(Wipe("recovery-key").notes, testing::IsEmpty());
  EXPECT_EQ(Indexes(), 2U);
  EXPECT_THAT(Open(File()), Succeeds());
}

/// As a file has it that was put together by hand.
TEST_F(SlotsInTpmTest, IndexesThatAnotherSlotNeedsStay) {
  KeyFile file = File();
  file.slots.push_back(file.slots[0]);
  WriteKeysFile("nvdimm-master.pem", Must(FormatKeyFile(file)));
  EXPECT_THAT(Wipe("0").notes, testing::IsEmpty());
  EXPECT_EQ(Indexes(), 2U);
  EXPECT_THAT(Open(File()), Succeeds());
}

TEST_F(SlotsInTpmTest, IndexesThatAreGoneAlreadyAreNoMatter) {
  {
    Tpm tpm = ConnectTo(swtpm());
    for (TPM2_HANDLE index : ListNvIndexes(tpm)) UndefineIndex(tpm, index);
  }
  EXPECT_THAT(Wipe("tpm2").notes, testing::IsEmpty());
}

TEST_F(SlotsInTpmTest, WithoutTheTpmTheSlotIsWipedAndItIsNoted) {
  environment_.tpm_device = "/nonexistent/tpm";
  EXPECT_THAT(Wipe("tpm2").notes,
              Contains(HasSubstr("old copies of the key file still open on this TPM")));
  EXPECT_THAT(File().slots, testing::IsEmpty());
}

}  // namespace
}  // namespace nvunlock
