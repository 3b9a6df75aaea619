// SPDX-License-Identifier: Apache-2.0
// Everything that goes over the bus while a kek with a PIN is enrolled and while it is loaded at
// boot: how many commands, and no secret.
#include <gmock/gmock.h>

#include <optional>

#include "src/crypto/hash.h"
#include "src/seal/latch.h"
#include "src/unlock/load_keys.h"
#include "test/unit/support/clear_bus.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/recording_proxy.h"
#include "test/unit/support/tpm_samples.h"
#include "tpm/sealed_object.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kPin[] = "4711 is not a good PIN";

class WholeTrafficTest : public MachineTest {
 protected:
  /// The bytes, and the commands, on the bus while DO_IT talks to the TPM.
  template <typename Function>
  Bytes Record(Function do_it) {
    RecordingProxy proxy(swtpm());
    const std::string device = std::exchange(environment_.tpm_device, proxy.device());
    do_it();
    environment_.tpm_device = device;
    commands_ = proxy.commands();
    return proxy.traffic();
  }

  Bytes RecordEnroll(bool with_pin) {
    EnrollOptions options = DefaultOptions();
    if (with_pin) options.pin = SecretOf(kPin);
    return Record([&] { Must(Enroll(environment_, options)); });
  }

  /// As `unlock` does it: PCRs are not recorded twice in a boot.
  Bytes RecordUnlock() {
    return Record([&] {
      LoadKeysOptions options = {.keyring = keyring(), .all_keks = true, .host = "here"};
      options.ask_pin = [](const KekName&, const std::string&, unsigned) {
        return Result<Secret>(SecretOf(kPin));
      };
      TpmConnection tpm(environment_.tpm_device);
      LoadedKeys loaded = Must(LoadKeys(store_, tpm, options));
      EXPECT_THAT(loaded.problems, IsEmpty());
      EXPECT_EQ(loaded.keks_loaded, 1U);
      tpm.HangUp();
      EXPECT_THAT(CloseLatches(environment_, tpm), IsEmpty());
    });
  }

  /// Takes the new kek out of the keyring, so that it has to be unsealed.
  Secret TakeKek() const {
    Key key = *Must(keyring().Find("user", "nvdimm-master"));
    Secret kek = Must(key.Read());
    Must(key.Invalidate());
    return kek;
  }

  [[nodiscard]] TpmSlot EnrolledSlot() const {
    return Must(store_.ReadKeyFile({"user", "nvdimm-master"})).slots.at(0);
  }

  static void ExtendBootPcrs() {
    Tpm tpm = ConnectTo(swtpm());
    for (unsigned pcr : {7, 8}) ExtendPcr(tpm, pcr, Sha256Bank());
  }

  std::vector<uint32_t> commands_;
};

/// All the secrets of one slot with a PIN.
struct Secrets {
  Secret slot_secret;
  Secret kek;
  Secret stretched_pin;
  Secret auth_value;
  Secret wrapping;
};

class SecretTrafficTest : public WholeTrafficTest {
 protected:
  void EnrollAndUnlock() {
    enroll_ = RecordEnroll(true);
    Secret kek = TakeKek();
    TpmSlot slot = EnrolledSlot();
    Secret stretched = Must(Scrypt(SecretOf(kPin), *slot.scrypt, 32));
    Secret auth_value = Must(HkdfSha256(stretched.bytes(), "nvunlock pin auth", 32));
    Secret wrapping = Must(HkdfSha256(stretched.bytes(), "nvunlock pin wrap", 32));
    Secret slot_secret = UnsealSlot(slot, auth_value);
    secrets_.emplace(std::move(slot_secret), std::move(kek), std::move(stretched),
                     std::move(auth_value), std::move(wrapping));
    unlock_ = RecordUnlock();
  }

  Secret UnsealSlot(const TpmSlot& slot, const Secret& auth_value) const {
    Tpm tpm = ConnectTo(swtpm());
    ESYS_TR parent = Must(PinParent(tpm, slot.key.parent_handle, slot.parent));
    PolicyNeeds needs = {.auth_value = &auth_value};
    return std::move(Must(Unseal(tpm, parent, slot.key.sealed, slot.key.policy, needs)).secret);
  }

  static bool Shows(const Bytes& traffic, const Secret& secret) {
    return ContainsBytes(traffic, secret.bytes());
  }

  /// What never goes to the TPM, whatever protects the way.
  void ExpectTheRestHidden(const Bytes& traffic) const {
    EXPECT_FALSE(Shows(traffic, secrets_->kek));
    EXPECT_FALSE(Shows(traffic, secrets_->stretched_pin));
    EXPECT_FALSE(Shows(traffic, secrets_->wrapping));
    EXPECT_FALSE(ContainsBytes(traffic, AsBytes(kPin)));
  }

  Bytes enroll_;
  Bytes unlock_;
  std::optional<Secrets> secrets_;
};

TEST_F(SecretTrafficTest, NothingSecretIsOnTheBus) {
  EnrollAndUnlock();
  for (const Bytes& traffic : {enroll_, unlock_}) {
    EXPECT_FALSE(Shows(traffic, secrets_->slot_secret));
    EXPECT_FALSE(Shows(traffic, secrets_->auth_value));
    ExpectTheRestHidden(traffic);
  }
}

/// That the search finds what is there, and that nothing but the sessions hides it.
TEST_F(SecretTrafficTest, WithoutSaltAndEncryptionItWouldBe) {
  ClearBus clear_bus;
  EnrollAndUnlock();
  EXPECT_TRUE(Shows(enroll_, secrets_->slot_secret));
  EXPECT_TRUE(Shows(enroll_, secrets_->auth_value));
  EXPECT_TRUE(Shows(unlock_, secrets_->slot_secret));
  EXPECT_FALSE(Shows(unlock_, secrets_->auth_value));
  ExpectTheRestHidden(enroll_);
  ExpectTheRestHidden(unlock_);
}

/// doc/unlock.md has these numbers.
TEST_F(WholeTrafficTest, AnUnlockIsNineCommands) {
  RecordEnroll(false);
  TakeKek();
  RecordUnlock();
  EXPECT_THAT(commands_,
              ElementsAre(TPM2_CC_Load, TPM2_CC_StartAuthSession, TPM2_CC_NV_Read,
                          TPM2_CC_PolicyPCR, TPM2_CC_PolicyAuthorizeNV, TPM2_CC_PolicyNV,
                          TPM2_CC_Unseal, TPM2_CC_StartAuthSession, TPM2_CC_NV_ReadLock));
}

TEST_F(WholeTrafficTest, AlternativesMakeItTen) {
  EnrollOptions options = DefaultOptions();
  options.policy.next_boots = 1;
  Must(Enroll(environment_, options));
  TakeKek();
  RecordUnlock();
  EXPECT_THAT(commands_, ElementsAre(TPM2_CC_Load, TPM2_CC_StartAuthSession, TPM2_CC_NV_Read,
                                     TPM2_CC_PolicyPCR, TPM2_CC_PolicyOR, TPM2_CC_PolicyAuthorizeNV,
                                     TPM2_CC_PolicyNV, TPM2_CC_Unseal, TPM2_CC_StartAuthSession,
                                     TPM2_CC_NV_ReadLock));
}

/// The policy but for the PIN is asserted before somebody is asked, and the lockout is looked at.
/// The TPM asks for another try of the first Unseal with a PIN in a boot: it notes down the boot.
TEST_F(WholeTrafficTest, APinMakesItSeventeenAndOneMoreOnceABoot) {
  RecordEnroll(true);
  TakeKek();
  swtpm().PowerCycle();
  ExtendBootPcrs();
  RecordUnlock();
  EXPECT_THAT(
      commands_,
      ElementsAre(TPM2_CC_StartAuthSession, TPM2_CC_NV_Read, TPM2_CC_PolicyPCR,
                  TPM2_CC_PolicyAuthorizeNV, TPM2_CC_PolicyNV, TPM2_CC_GetCapability, TPM2_CC_Load,
                  TPM2_CC_StartAuthSession, TPM2_CC_NV_Read, TPM2_CC_PolicyPCR,
                  TPM2_CC_PolicyAuthorizeNV, TPM2_CC_PolicyNV, TPM2_CC_PolicyAuthValue,
                  TPM2_CC_Unseal, TPM2_CC_Unseal, TPM2_CC_StartAuthSession, TPM2_CC_NV_ReadLock));
}

}  // namespace
}  // namespace nvunlock
