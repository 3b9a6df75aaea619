// SPDX-License-Identifier: Apache-2.0
// A TPM that is not ready, or that somebody else uses at the same time, as early boots have them.
#include <gmock/gmock.h>

#include <chrono>
#include <future>
#include <map>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/recording_proxy.h"
#include "test/unit/support/sealing_tpm.h"
#include "test/unit/support/swtpm.h"
#include "tpm/sealed_object.h"
#include "tpm/session.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::Ge;
using testing::IsEmpty;
using testing::Lt;

constexpr uint32_t kUnsealCommands[] = {
    TPM2_CC_Load,     TPM2_CC_StartAuthSession,  TPM2_CC_NV_Read, TPM2_CC_PolicyPCR,
    TPM2_CC_PolicyNV, TPM2_CC_PolicyAuthorizeNV, TPM2_CC_Unseal};
constexpr uint32_t kForAnotherTry[] = {TPM2_RC_RETRY, TPM2_RC_YIELDED, TPM2_RC_TESTING};

class SealedInTpmTest : public SwtpmTest {
 protected:
  void SetUp() override {
    SealingTpm us(swtpm().device());
    srk_ = us.srk;
    policy_ = us.PolicyOfNow();
    sealed_ = us.SealUnder(policy_, secret_);
  }

  Result<Secret> UnsealOver(const RecordingProxy& proxy) const {
    Tpm tpm = Must(Tpm::Connect(proxy.device()));
    ESYS_TR parent = TRY(PinParent(tpm, kSrkHandle, srk_));
    return std::move(TRY(Unseal(tpm, parent, sealed_, policy_)).secret);
  }

  /// Answers COMMAND with CODE, COUNT times.
  static RecordingProxy::Refusal Refuse(uint32_t command, uint32_t code, int count) {
    return [=](uint32_t asked) mutable -> std::optional<uint32_t> {
      if (asked != command || count == 0) return std::nullopt;
      count--;
      return code;
    };
  }

  const Secret secret_ = SampleSecret(32, 0x60);
  TPM2B_PUBLIC srk_ = {};
  Policy policy_;
  SealedObject sealed_;
};

class AnotherTryTest : public SealedInTpmTest {};

TEST_F(AnotherTryTest, ATpmThatAsksForAnotherTryGetsIt) {
  constexpr int kMoreThanEsysMakes = 7;
  for (uint32_t code : kForAnotherTry) {
    for (uint32_t command : kUnsealCommands) {
      RecordingProxy proxy(swtpm(), {}, Refuse(command, code, kMoreThanEsysMakes));
      EXPECT_TRUE(Must(UnsealOver(proxy)).Equals(secret_)) << command << ' ' << code;
      EXPECT_THAT(proxy.commands().size(), std::size(kUnsealCommands) + kMoreThanEsysMakes);
    }
  }
}

/// What became of asking a TPM that answers with CODE until it is ASKED_FOR_LONG.
struct Outcome {
  Result<Bytes> first;
  std::chrono::steady_clock::duration duration;
  Result<Bytes> second;
  int commands = 0;
};

Outcome AskInVain(uint32_t code) {
  bool well = false;
  Outcome outcome;
  FakeTpm fake([&](const Bytes&) {
    outcome.commands++;
    return FakeTpm::Pieces{well ? MakeResponse(TPM2_ST_NO_SESSIONS, 0, Hex("000401020304"))
                                : MakeResponse(TPM2_ST_NO_SESSIONS, code, {})};
  });
  Tpm tpm = Must(Tpm::Connect(fake.device()));
  auto start = std::chrono::steady_clock::now();
  outcome.first = tpm.GetRandom(4, ESYS_TR_NONE);
  outcome.duration = std::chrono::steady_clock::now() - start;
  well = true;
  outcome.second = tpm.GetRandom(4, ESYS_TR_NONE);
  return outcome;
}

/// ESYS would begin the five seconds anew five times.
TEST(AnotherTryInVainTest, EndsAfterSecondsAndTheConnectionIsStillGood) {
  std::map<uint32_t, std::future<Outcome>> outcomes;
  for (uint32_t code : kForAnotherTry) {
    outcomes.emplace(code, std::async(std::launch::async, [=] { return AskInVain(code); }));
  }
  for (auto& [code, future] : outcomes) {
    Outcome outcome = future.get();
    EXPECT_THAT(outcome.first,
                FailsWith(Errc::kTpmNotReady, code == TPM2_RC_TESTING ? "self-test" : "retry"));
    EXPECT_THAT(outcome.duration, Ge(std::chrono::seconds(4)));
    EXPECT_THAT(outcome.duration, Lt(std::chrono::seconds(9)));
    EXPECT_THAT(outcome.commands, Ge(20));
    EXPECT_THAT(outcome.commands, Lt(50));
    EXPECT_THAT(outcome.second, Yields(Hex("01020304")));
  }
}

TEST(StartupTest, ATpmThatTheFirmwareForgotIsStartedOnce) {
  Swtpm forgotten("", false);
  RecordingProxy proxy(forgotten);
  {
    Tpm tpm = Must(Tpm::Connect(proxy.device()));
    for (int i = 0; i < 2; i++) EXPECT_THAT(tpm.GetRandom(4, ESYS_TR_NONE), Succeeds());
  }
  EXPECT_THAT(proxy.commands(), ElementsAre(TPM2_CC_GetRandom, TPM2_CC_Startup, TPM2_CC_GetRandom,
                                            TPM2_CC_GetRandom));
}

TEST(StartupTest, ATpmThatDoesNotStartIsToldSoOnce) {
  std::vector<uint32_t> commands;
  {
    FakeTpm fake([&](const Bytes& command) {
      commands.push_back(CommandCodeOf(command));
      return FakeTpm::Pieces{MakeResponse(TPM2_ST_NO_SESSIONS, TPM2_RC_INITIALIZE, {})};
    });
    Tpm tpm = Must(Tpm::Connect(fake.device()));
    EXPECT_THAT(tpm.GetRandom(4, ESYS_TR_NONE),
                FailsWith(Errc::kTpmNotReady, "the firmware has not started the TPM"));
  }
  EXPECT_THAT(commands, ElementsAre(TPM2_CC_GetRandom, TPM2_CC_Startup));
}

class PcrRaceTest : public SealedInTpmTest {
 protected:
  /// Somebody who extends PCR in its sha256 bank after each answer to COMMAND, COUNT times.
  struct Extender {
    const RecordingProxy* bus = nullptr;
    uint32_t command;
    uint8_t pcr;
    int count;

    void After(uint32_t asked) {
      if (asked != command || count == 0) return;
      count--;
      // TPM2_PCR_Extend with an empty password and one digest.
      Bytes extension =
          Concatenate({Hex("80020000004100000182000000"), Bytes{pcr},
                       Hex("00000009400000090000000000"), Hex("00000001000b"), Bytes(32, 1)});
      Bytes answer = bus->Inject(extension);
      EXPECT_EQ(Copy(ByteView(answer).subspan(6, 4)), Bytes(4));
    }
  };

  /// An unseal while EXTENDER is at work; how often the policy was asserted is in assertions_.
  Result<Secret> UnsealBeside(Extender extender) {
    RecordingProxy proxy(swtpm(),
                         [&](uint32_t asked, Bytes& /*response*/) { extender.After(asked); });
    extender.bus = &proxy;
    Result<Secret> secret = UnsealOver(proxy);
    assertions_ = std::ranges::count(proxy.commands(), TPM2_CC_PolicyPCR);
    return secret;
  }

  static constexpr uint8_t kAnotherPcr = 10;
  static constexpr uint8_t kBoundPcr = 8;
  static constexpr int kForEver = 1000;
  ptrdiff_t assertions_ = 0;
};

TEST_F(PcrRaceTest, AnExtensionBetweenAssertionAndUnsealIsOutrun) {
  for (int count : {0, 1, 29}) {
    Extender extender = {.command = TPM2_CC_PolicyPCR, .pcr = kAnotherPcr, .count = count};
    EXPECT_TRUE(Must(UnsealBeside(extender)).Equals(secret_)) << count;
    EXPECT_EQ(assertions_, 1 + count);
  }
}

TEST_F(PcrRaceTest, ExtensionsForEverAreNot) {
  Extender extender = {.command = TPM2_CC_PolicyPCR, .pcr = kAnotherPcr, .count = kForEver};
  EXPECT_THAT(UnsealBeside(extender), FailsWith(Errc::kPcrsChanging, "each of 30 tries"));
  EXPECT_EQ(assertions_, 30);
}

TEST_F(PcrRaceTest, AnExtensionOfABoundPcrIsAMismatch) {
  Extender extender = {.command = TPM2_CC_PolicyPCR, .pcr = kBoundPcr, .count = 1};
  EXPECT_THAT(UnsealBeside(extender), FailsWith(Errc::kPolicyMismatch));
  EXPECT_EQ(assertions_, 2);
}

TEST_F(PcrRaceTest, AnExtensionThatTheAssertionMeetsIsOutrunToo) {
  RecordingProxy proxy(swtpm(), {}, Refuse(TPM2_CC_PolicyPCR, TPM2_RC_PCR_CHANGED, 29));
  EXPECT_TRUE(Must(UnsealOver(proxy)).Equals(secret_));
}

TEST_F(PcrRaceTest, ExtensionsThatTheAssertionMeetsForEverAreNot) {
  RecordingProxy proxy(swtpm(), {}, Refuse(TPM2_CC_PolicyPCR, TPM2_RC_PCR_CHANGED, kForEver));
  EXPECT_THAT(UnsealOver(proxy), FailsWith(Errc::kPcrsChanging, "each of 30 tries"));
}

/// /dev/tpm0 has no resource manager that clears away what a program leaves.
class LeftoversTest : public SealedInTpmTest {
 protected:
  /// How many handles from FIRST on the TPM holds.
  static uint32_t CountHandles(const RecordingProxy& proxy, uint32_t first) {
    Bytes answer =
        proxy.Inject(Concatenate({Hex("8001000000160000017a"), BigEndian(TPM2_CAP_HANDLES, 4),
                                  BigEndian(first, 4), BigEndian(8, 4)}));
    return answer.at(18);
  }

  static uint32_t CountLeftovers(const RecordingProxy& proxy) {
    return CountHandles(proxy, TPM2_TRANSIENT_FIRST) +
           CountHandles(proxy, TPM2_LOADED_SESSION_FIRST);
  }
};

TEST_F(LeftoversTest, NoRefusedCommandLeavesAnything) {
  for (uint32_t command : kUnsealCommands) {
    RecordingProxy proxy(swtpm(), {}, Refuse(command, TPM2_RC_FAILURE, 1));
    EXPECT_THAT(UnsealOver(proxy), FailsWith(Errc::kTpmNotReady));
    EXPECT_EQ(CountLeftovers(proxy), 0U) << command;
  }
}

TEST_F(LeftoversTest, NoChangedAnswerLeavesAnything) {
  for (uint32_t command : {TPM2_CC_StartAuthSession, TPM2_CC_PolicyPCR, TPM2_CC_Unseal}) {
    RecordingProxy proxy(swtpm(), [&](uint32_t asked, Bytes& response) {
      if (asked == command) response.back() ^= 1;
    });
    EXPECT_FALSE(UnsealOver(proxy)) << command;
    EXPECT_EQ(CountLeftovers(proxy), 0U) << command;
  }
}

/// ESYS does not flush any more once it has met such an answer.
TEST_F(LeftoversTest, NoMalformedAnswerLeavesAnything) {
  for (uint32_t command : {TPM2_CC_PolicyPCR, TPM2_CC_Unseal}) {
    RecordingProxy proxy(swtpm(), [&](uint32_t asked, Bytes& response) {
      if (asked == command) response[0] = 0;
    });
    EXPECT_THAT(UnsealOver(proxy), FailsWith(Errc::kWrongTpm, "malformed"));
    EXPECT_EQ(CountLeftovers(proxy), 0U) << command;
  }
}

TEST_F(LeftoversTest, WhatIsLoadedIsSeen) {
  RecordingProxy proxy(swtpm());
  Tpm tpm = Must(Tpm::Connect(proxy.device()));
  TpmObject session = Must(StartPolicySession(tpm, Must(PinParent(tpm, kSrkHandle, srk_))));
  EXPECT_EQ(CountLeftovers(proxy), 1U);
}

}  // namespace
}  // namespace nvunlock
