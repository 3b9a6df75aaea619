// SPDX-License-Identifier: Apache-2.0
// Slots with a PIN: who is asked, how often, and when not at all.
#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <vector>

#include "src/seal/unseal.h"
#include "test/unit/support/byte_strings.h"
#include "test/unit/support/sealing_tpm.h"
#include "tpm/lockout.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// Somebody who types PINS, one after the other, and keeps what they were asked.
class Typist {
 public:
  explicit Typist(std::vector<std::string> pins) : pins_(std::move(pins)) {}

  [[nodiscard]] PinQuestion Question() {
    return [this](const KekName& /*kek*/, const std::string& before,
                  unsigned tries) -> Result<Secret> {
      befores.push_back(before);
      tries_left.push_back(tries);
      if (befores.size() > pins_.size()) return Fail("nobody answered in time");
      return SecretOf(pins_[befores.size() - 1]);
    };
  }

  std::vector<std::string> befores;
  std::vector<unsigned> tries_left;

 private:
  std::vector<std::string> pins_;
};

class KekWithPinTest : public SwtpmTest {
 protected:
  /// Connects to a TPM that forgives TRIES wrong authorizations.
  SealingTpm& Start(unsigned tries = 32) {
    swtpm().RunTools(
        "tpm2_dictionarylockout -Q -c\ntpm2_dictionarylockout -Q -s -t 1000 -l 1000 -n " +
        std::to_string(tries));
    return us_.emplace(swtpm().device());
  }
  void TearDown() override { us_.reset(); }

  TpmSlot MakeSlot(const std::optional<std::string>& pin) {
    TpmSlot slot = {.parent = us_->srk};
    std::optional<SlotPin> slot_pin;
    if (pin) slot_pin = PinFor(*pin);
    Secret slot_secret = SampleSecret(kSlotSecretSize, 0xa0);
    slot.key = {.parent_handle = kSrkHandle, .sealed = {}, .policy = us_->PolicyOfNow()};
    slot.key.policy.pin = pin.has_value();
    slot.key.sealed = Must(Seal(us_->tpm, us_->parent, slot_secret, slot.key.policy,
                                slot_pin ? &slot_pin->keys.auth_value : nullptr));
    slot.kek_cms = Must(
        EncryptKekForSlot(kek_, slot_secret, slot.key.sealed, slot_pin ? &*slot_pin : nullptr));
    if (slot_pin) slot.scrypt = slot_pin->scrypt;
    return slot;
  }

  [[nodiscard]] KeyFile FileWith(std::vector<TpmSlot> slots) const {
    return {.kek = {"user", "nvdimm-master"},
            .check_value = Must(KekCheckValue(kek_)),
            .slots = std::move(slots)};
  }

  Result<Secret> Open(const KeyFile& file, Typist& typist) {
    return std::move(TRY(UnsealKek(us_->tpm, file, {}, typist.Question())).kek);
  }

  unsigned TriesLeft() { return Must(ReadLockoutState(us_->tpm)).tries_left; }

  const Secret kek_ = SampleSecret(32);

 private:
  static SlotPin PinFor(const std::string& pin) {
    ScryptParameters cheap = {.salt = Bytes(16, 7), .cost = 16};
    return {cheap, Must(DerivePinKeys(SecretOf(pin), cheap))};
  }

  std::optional<SealingTpm> us_;
};

TEST_F(KekWithPinTest, ThePinOpensTheKek) {
  Start();
  Typist typist({"1234"});
  EXPECT_TRUE(Must(Open(FileWith({MakeSlot("1234")}), typist)).Equals(kek_));
  EXPECT_THAT(typist.befores, ElementsAre(""));
  EXPECT_THAT(typist.tries_left, ElementsAre(5U));
}

TEST_F(KekWithPinTest, AfterAWrongPinTheNextQuestionSaysSo) {
  Start();
  Typist typist({"1233", "1234"});
  EXPECT_TRUE(Must(Open(FileWith({MakeSlot("1234")}), typist)).Equals(kek_));
  EXPECT_THAT(typist.befores, ElementsAre("", "the PIN is wrong"));
  EXPECT_THAT(typist.tries_left, ElementsAre(5U, 4U));
}

TEST_F(KekWithPinTest, ThereAreFiveTriesAtMost) {
  Start(32);
  Typist typist({"1", "2", "3", "4", "5", "1234"});
  EXPECT_THAT(Open(FileWith({MakeSlot("1234")}), typist), FailsWith(Errc::kWrongPin, "too often"));
  EXPECT_THAT(typist.tries_left, ElementsAre(5U, 4U, 3U, 2U, 1U));
  EXPECT_EQ(TriesLeft(), 27U);
}

TEST_F(KekWithPinTest, OneTryOfTheTpmIsLeftForOthers) {
  Start(4);
  Typist typist({"1", "2", "3", "1234"});
  EXPECT_THAT(Open(FileWith({MakeSlot("1234")}), typist), FailsWith(Errc::kWrongPin));
  EXPECT_THAT(typist.tries_left, ElementsAre(3U, 2U, 1U));
  EXPECT_EQ(TriesLeft(), 1U);
}

TEST_F(KekWithPinTest, WithOneTryOfTheTpmLeftNobodyIsAsked) {
  Start(2);
  KeyFile file = FileWith({MakeSlot("1234")});
  Typist wrong({"1"});
  EXPECT_THAT(Open(file, wrong), FailsWith(Errc::kWrongPin));
  Typist right({"1234"});
  EXPECT_THAT(Open(file, right), FailsWith(Errc::kLockout, "one wrong PIN more"));
  EXPECT_THAT(right.befores, IsEmpty());
}

TEST_F(KekWithPinTest, InLockoutNobodyIsAsked) {
  SealingTpm& us = Start(1);
  KeyFile file = FileWith({MakeSlot("1234")});
  PinKeys wrong = {SampleSecret(32), SampleSecret(32)};
  EXPECT_THAT(UnsealKekThrough(us.tpm, file, file.slots[0], {}, &wrong),
              FailsWith(Errc::kWrongPin));
  Typist typist({"1234"});
  EXPECT_THAT(Open(file, typist), FailsWith(Errc::kLockout, "in dictionary attack lockout"));
  EXPECT_THAT(typist.befores, IsEmpty());
}

TEST_F(KekWithPinTest, WhenThePcrsDifferNobodyIsAskedAndTheyAreNamed) {
  SealingTpm& us = Start();
  KeyFile file = FileWith({MakeSlot("1234")});
  ExtendPcr(us.tpm, 8, Sha256Bank());
  Typist typist({"1234"});
  EXPECT_THAT(Open(file, typist), FailsWith(Errc::kPolicyMismatch, "PCR 8 (sha256) differs"));
  EXPECT_THAT(typist.befores, IsEmpty());
}

TEST_F(KekWithPinTest, WhenTheLatchIsClosedNobodyIsAsked) {
  SealingTpm& us = Start();
  KeyFile file = FileWith({MakeSlot("1234")});
  Typist before({"1234"});
  EXPECT_THAT(Open(file, before), Succeeds());
  Must(CloseNvLatch(us.tpm, us.parent, file.slots[0].key.policy.latch));
  Typist after({"1234"});
  EXPECT_THAT(Open(file, after), FailsWith(Errc::kLatchClosed));
  EXPECT_THAT(after.befores, IsEmpty());
}

TEST_F(KekWithPinTest, WithNobodyToAskItDoesNotOpenAndNoTryIsUsedUp) {
  SealingTpm& us = Start(7);
  EXPECT_THAT(UnsealKek(us.tpm, FileWith({MakeSlot("1234")})),
              FailsWith(Errc::kWrongPin, "nobody to ask"));
  EXPECT_EQ(TriesLeft(), 7U);
}

TEST_F(KekWithPinTest, WhenNobodyAnswersNoTryIsUsedUp) {
  Start(7);
  Typist nobody({});
  EXPECT_THAT(Open(FileWith({MakeSlot("1234")}), nobody), FailsWith(Errc::kFailed, "in time"));
  EXPECT_THAT(nobody.befores, SizeIs(1));
  EXPECT_EQ(TriesLeft(), 7U);
}

TEST_F(KekWithPinTest, ASlotWithoutAPinOpensBehindOneWhosePinNobodyKnows) {
  SealingTpm& us = Start();
  KeyFile file = FileWith({MakeSlot("1234"), MakeSlot(std::nullopt)});
  EXPECT_TRUE(Must(UnsealKek(us.tpm, file)).kek.Equals(kek_));
}

}  // namespace
}  // namespace nvunlock
