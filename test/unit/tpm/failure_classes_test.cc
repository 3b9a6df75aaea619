// SPDX-License-Identifier: Apache-2.0
// Each way in which a TPM can fail to open a kek, or to take one, told apart by its error code,
// which is the exit code, and its message: the rows of doc/tpm-failures.md, in their order.
#include <gtest/gtest.h>

#include "src/seal/unseal.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/recording_proxy.h"
#include "test/unit/support/tpm_samples.h"
#include "tpm/nv_latch.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

/// A machine of which the first TPM can be exchanged or spoilt.
class TpmFailureTest : public MachineTest {
 protected:
  void SetUp() override {
    environment_.tpm_device = tpm_.device();
    for (unsigned pcr : {7, 8}) Extend(tpm_, pcr);
  }

  static void Extend(const Swtpm& swtpm, unsigned pcr) {
    Tpm tpm = ConnectTo(swtpm);
    ExtendPcr(tpm, pcr, Sha256Bank());
  }

  void EnrollNow(const char* pin = nullptr) const {
    EnrollOptions options = DefaultOptions();
    if (pin != nullptr) options.pin = SecretOf(std::string_view(pin));
    Must(Enroll(environment_, options));
  }

  [[nodiscard]] KeyFile File() const { return Must(store_.ReadKeyFile({"user", "nvdimm-master"})); }

  /// What comes of the kek's unseal through the TPM at DEVICE.
  [[nodiscard]] Result<Secret> OpenAt(const std::string& device,
                                      const PinQuestion& ask_pin = {}) const {
    Tpm tpm = TRY(Tpm::Connect(device));
    return std::move(TRY(UnsealKek(tpm, File(), {}, ask_pin)).kek);
  }
  [[nodiscard]] Result<Secret> Open(const PinQuestion& ask_pin = {}) const {
    return OpenAt(tpm_.device(), ask_pin);
  }

  /// An unseal in which the TPM refuses COMMAND with CODE.
  [[nodiscard]] Result<Secret> OpenRefused(uint32_t command, uint32_t code) const {
    RecordingProxy proxy(tpm_, {}, [=](uint32_t asked) {
      return asked == command ? std::optional(code) : std::nullopt;
    });
    return OpenAt(proxy.device());
  }

  static Result<Secret> TypeWrongPin(const KekName& /*kek*/, const std::string& /*before*/,
                                     unsigned /*tries*/) {
    return SecretOf(std::string_view("1233"));
  }

  Swtpm tpm_;
};

TEST_F(TpmFailureTest, WithoutAFailureItOpens) {
  EnrollNow();
  EXPECT_THAT(Open(), Succeeds());
}

TEST_F(TpmFailureTest, ThereIsNoDevice) {
  EnrollNow();
  EXPECT_THAT(OpenAt("/nonexistent/tpm"), FailsWith(Errc::kNoTpm, "No such file or directory"));
}

TEST_F(TpmFailureTest, TheTpmIsInFailureMode) {
  EnrollNow();
  EXPECT_THAT(OpenRefused(TPM2_CC_Load, TPM2_RC_FAILURE),
              FailsWith(Errc::kTpmNotReady, "failure mode"));
}

TEST_F(TpmFailureTest, TheObjectWasMadeByAnotherTpm) {
  EnrollNow();
  Swtpm other;
  {
    Tpm tpm = ConnectTo(other);
    Must(ProvisionSrk(tpm));
  }
  EXPECT_THAT(OpenAt(other.device()), FailsWith(Errc::kWrongTpm, "not made by this TPM"));
}

TEST_F(TpmFailureTest, AnotherOrAClearedTpmHasNoStorageRootKey) {
  EnrollNow();
  tpm_.RunTools("tpm2_clear -Q -c platform");
  EXPECT_THAT(Open(), FailsWith(Errc::kWrongTpm, "another TPM, or it was cleared"));
}

TEST_F(TpmFailureTest, SomethingOnTheBusAnswersForTheTpm) {
  EnrollNow();
  RecordingProxy proxy(tpm_, [](uint32_t command, Bytes& response) {
    if (command == TPM2_CC_Unseal) response.back() ^= 1;
  });
  EXPECT_THAT(OpenAt(proxy.device()), FailsWith(Errc::kWrongTpm, "not authentic"));
}

TEST_F(TpmFailureTest, ThePcrsHoldOtherValues) {
  EnrollNow();
  Extend(tpm_, 8);
  EXPECT_THAT(Open(), FailsWith(Errc::kPolicyMismatch, "PCR 8 (sha256) differs"));
}

TEST_F(TpmFailureTest, TheObjectHasAnotherPolicyThanTheFileSays) {
  EnrollNow();
  KeyFile file = File();
  Tpm tpm = ConnectTo(tpm_);
  TpmSlot& slot = file.slots[0];
  ESYS_TR parent = Must(PinParent(tpm, slot.key.parent_handle, slot.parent));
  slot.key.policy.latch = Must(MakeNvLatch(tpm, parent));
  EXPECT_THAT(UnsealKek(tpm, file), FailsWith(Errc::kPolicyMismatch, "the policy does not hold"));
}

TEST_F(TpmFailureTest, PcrsKeepChanging) {
  EnrollNow();
  EXPECT_THAT(OpenRefused(TPM2_CC_Unseal, TPM2_RC_PCR_CHANGED),
              FailsWith(Errc::kPcrsChanging, "each of 30 tries"));
}

TEST_F(TpmFailureTest, TheLatchIsClosed) {
  EnrollNow();
  {
    Tpm tpm = ConnectTo(tpm_);
    TpmSlot slot = File().slots.at(0);
    ESYS_TR parent = Must(PinParent(tpm, slot.key.parent_handle, slot.parent));
    Must(CloseNvLatch(tpm, parent, slot.key.policy.latch));
  }
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed, "the latch is closed"));
}

TEST_F(TpmFailureTest, TheNvIndexOfTheLatchIsGone) {
  EnrollNow();
  {
    Tpm tpm = ConnectTo(tpm_);
    Must(RemoveIndex(tpm, File().slots.at(0).key.policy.latch.index));
  }
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchGone, "gone or was made anew"));
}

/// In one test, since PINs take their time.
TEST_F(TpmFailureTest, ThePinIsWrongOrUnknownOrTheTpmInLockout) {
  EnrollNow("1234");
  EXPECT_THAT(Open(), FailsWith(Errc::kWrongPin, "nobody to ask"));
  tpm_.RunTools("tpm2_dictionarylockout -Q -s -t 1000 -l 1000 -n 3");
  EXPECT_THAT(Open(TypeWrongPin), FailsWith(Errc::kWrongPin, "wrong too often"));
  EXPECT_THAT(Open(TypeWrongPin), FailsWith(Errc::kLockout, "one wrong PIN more"));
  tpm_.RunTools("tpm2_dictionarylockout -Q -s -t 1000 -l 1000 -n 1");
  EXPECT_THAT(Open(TypeWrongPin), FailsWith(Errc::kLockout, "is in dictionary attack lockout"));
}

TEST_F(TpmFailureTest, TheOwnerHierarchyHasAPassword) {
  tpm_.RunTools("tpm2_changeauth -Q -c owner password");
  EXPECT_THAT(Enroll(environment_, DefaultOptions()),
              FailsWith(Errc::kOwnerPassword, "the owner hierarchy of the TPM has a password"));
}

/// What is enrolled opens without the owner.
TEST_F(TpmFailureTest, TheOwnerHierarchyHasAPasswordSinceThen) {
  EnrollNow();
  tpm_.RunTools("tpm2_changeauth -Q -c owner password");
  EXPECT_THAT(Open(), Succeeds());
  EnrollOptions another = DefaultOptions();
  another.kek.description = "another";
  EXPECT_THAT(Enroll(environment_, another), FailsWith(Errc::kOwnerPassword));
}

}  // namespace
}  // namespace nvunlock
