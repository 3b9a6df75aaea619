// SPDX-License-Identifier: Apache-2.0
#include "tpm/boot_limit.h"

#include <gmock/gmock.h>

#include <set>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/recording_proxy.h"
#include "test/unit/support/sealing_tpm.h"

namespace nvunlock {
namespace {

class BootLimitTest : public SwtpmTest {
 protected:
  static BootNumber NumberNow() {
    Tpm tpm = ConnectTo(swtpm());
    return Must(ReadBootNumber(tpm, ESYS_TR_NONE));
  }

  /// As after a hibernation: TPM Restart.
  static void Restart() {
    {
      Tpm tpm = ConnectTo(swtpm());
      Esys_Shutdown(tpm.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_SU_STATE);
    }
    swtpm().PowerCycle();
  }

  /// The next COUNT boots.
  static BootLimit Next(uint32_t count) {
    BootNumber now = NumberNow();
    return {.after = now, .last = now.resets + count};
  }

  static Result<void> AssertNow(const BootLimit& limit) {
    SealingTpm us(swtpm().device());
    TpmObject session = Must(StartPolicySession(us.tpm, us.parent));
    return AssertBootLimit(us.tpm, session.tr(), limit);
  }

  static auto IsNotApproved() {
    return FailsWith(Errc::kPolicyMismatch, "not a boot that was approved by its number");
  }
};

/// Power cuts are resets like any other.
TEST_F(BootLimitTest, EachPowerCycleCountsAndNothingElse) {
  uint32_t before = NumberNow().resets;
  EXPECT_EQ(NumberNow().resets, before);
  for (uint32_t i = 1; i <= 3; i++) {
    swtpm().PowerCycle();
    EXPECT_EQ(NumberNow().resets, before + i);
    EXPECT_EQ(NumberNow().restarts, 0U);
  }
}

TEST_F(BootLimitTest, ARestartIsCountedByItself) {
  swtpm().PowerCycle();
  uint32_t before = NumberNow().resets;
  for (uint32_t i = 1; i <= 2; i++) {
    Restart();
    EXPECT_EQ(NumberNow().resets, before);
    EXPECT_EQ(NumberNow().restarts, i);
  }
}

TEST_F(BootLimitTest, TheNextBootIsNotThisOneAndNotTheOneAfter) {
  BootLimit next = Next(1);
  EXPECT_THAT(AssertNow(next), IsNotApproved());
  swtpm().PowerCycle();
  EXPECT_THAT(AssertNow(next), Succeeds());
  EXPECT_THAT(AssertNow(next), Succeeds());
  swtpm().PowerCycle();
  EXPECT_THAT(AssertNow(next), IsNotApproved());
  swtpm().PowerCycle();
  EXPECT_THAT(AssertNow(next), IsNotApproved());
}

TEST_F(BootLimitTest, ThreeBootsAreThree) {
  BootLimit three = Next(3);
  EXPECT_THAT(AssertNow(three), IsNotApproved());
  for (int i = 0; i < 3; i++) {
    swtpm().PowerCycle();
    EXPECT_THAT(AssertNow(three), Succeeds()) << i;
  }
  swtpm().PowerCycle();
  EXPECT_THAT(AssertNow(three), IsNotApproved());
}

/// Who shuts the machine down can have it restarted as often as they like.
TEST_F(BootLimitTest, ARestartOfTheLastBootIsBeyondIt) {
  BootLimit next = Next(1);
  swtpm().PowerCycle();
  EXPECT_THAT(AssertNow(next), Succeeds());
  Restart();
  EXPECT_THAT(AssertNow(next), IsNotApproved());
}

TEST_F(BootLimitTest, TheNextBootMayBeARestart) {
  swtpm().PowerCycle();
  BootLimit next = Next(1);
  Restart();
  EXPECT_THAT(AssertNow(next), Succeeds());
  swtpm().PowerCycle();
  EXPECT_THAT(AssertNow(next), Succeeds());
}

TEST_F(BootLimitTest, AfterARestartThisBootIsNotTheNextOne) {
  swtpm().PowerCycle();
  Restart();
  BootLimit next = Next(1);
  EXPECT_THAT(AssertNow(next), IsNotApproved());
  swtpm().PowerCycle();
  EXPECT_THAT(AssertNow(next), Succeeds());
}

/// It is a comparison of numbers, and of all their bytes.
TEST_F(BootLimitTest, LargeLimitsAreNumbers) {
  swtpm().PowerCycle();
  uint32_t now = NumberNow().resets;
  EXPECT_THAT(AssertNow({.after = {}, .last = 0xffffffff}), Succeeds());
  EXPECT_THAT(AssertNow({.after = {now - 1, 0xffffffff}, .last = now}), Succeeds());
  EXPECT_THAT(AssertNow({.after = {now + 0x100, 0}, .last = now + 0x200}), IsNotApproved());
  EXPECT_THAT(AssertNow({.after = {0x80000000, 0}, .last = 0xffffffff}), IsNotApproved());
  EXPECT_THAT(AssertNow({.after = {now, 0}, .last = now}), IsNotApproved());
}

TEST_F(BootLimitTest, TheSoftwareDigestIsTheTpms) {
  swtpm().PowerCycle();
  BootNumber now = NumberNow();
  SealingTpm us(swtpm().device());
  for (const BootLimit& limit : {BootLimit{.after = {now.resets - 1, 7}, .last = now.resets},
                                 BootLimit{.after = {0, 0x05060708}, .last = 0x01020304}}) {
    TpmObject session = Must(StartPolicySession(us.tpm, us.parent));
    Must(AssertBootLimit(us.tpm, session.tr(), limit));
    EXPECT_EQ(us.DigestIn(session), Copy(ExtendDigest(Sha256Digest{}, limit)));
  }
}

TEST_F(BootLimitTest, EveryNumberIsInTheDigest) {
  std::set<Sha256Digest> digests;
  for (const BootLimit& limit :
       {BootLimit{{1, 2}, 3}, BootLimit{{2, 2}, 3}, BootLimit{{1, 1}, 3}, BootLimit{{1, 2}, 2}}) {
    digests.insert(ExtendDigest(Sha256Digest{}, limit));
  }
  EXPECT_EQ(digests.size(), 4U);
}

/// A lie about the number of this boot would approve boots that nobody meant.
TEST_F(BootLimitTest, ANumberThatSomebodyElseGivesIsNotBelieved) {
  const TPM2B_PUBLIC srk = SealingTpm(swtpm().device()).srk;
  RecordingProxy bus(swtpm(), [](uint32_t command, Bytes& response) {
    // Header, size of the parameters, time and clock, and the last byte of resetCount.
    constexpr size_t kIntoTheCount = 10 + 4 + 16 + 3;
    if (command == TPM2_CC_ReadClock) response.at(kIntoTheCount) ^= 1;
  });
  Tpm tpm = Must(Tpm::Connect(bus.device()));
  ESYS_TR parent = Must(PinParent(tpm, kSrkHandle, srk));
  TpmObject session = Must(StartSession(tpm, parent, TPM2_SE_HMAC, TPMA_SESSION_AUDIT));
  EXPECT_THAT(ReadBootNumber(tpm, session.tr()), FailsWith(Errc::kWrongTpm, "not authentic"));
}

}  // namespace
}  // namespace nvunlock
