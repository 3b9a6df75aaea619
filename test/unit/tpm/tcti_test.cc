// SPDX-License-Identifier: Apache-2.0
#include "tpm/tcti.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "src/os/process.h"
#include "test/unit/support/byte_strings.h"
#include "test/unit/support/fake_tpm.h"
#include "test/unit/support/swtpm.h"

namespace nvunlock {
namespace {

using testing::ExitedWithCode;

/// What TPM2_GetRandom yields of a TPM that answers in these pieces.
Result<Bytes> RandomFrom(const FakeTpm::Answer& answer) {
  FakeTpm fake(answer);
  Tpm tpm = Must(Tpm::Connect(fake.device()));
  return tpm.GetRandom(4, ESYS_TR_NONE);
}

const Bytes kFourBytes = MakeResponse(TPM2_ST_NO_SESSIONS, 0, Hex("000401020304"));

Bytes Part(size_t from, size_t to) {
  return {kFourBytes.begin() + static_cast<ptrdiff_t>(from),
          kFourBytes.begin() + static_cast<ptrdiff_t>(to)};
}

TEST(TctiTest, PassesCommandsAndResponsesOn) {
  Bytes seen;
  auto answer = [&](const Bytes& command) {
    seen = command;
    return FakeTpm::Pieces{kFourBytes};
  };
  EXPECT_THAT(RandomFrom(answer), Yields(Hex("01020304")));
  EXPECT_EQ(seen, Hex("80010000000c0000017b0004"));
}

TEST(TctiTest, PutsAResponseTogetherThatComesInPieces) {
  for (size_t cut : {1, 3, 6, 9, 10, 12, 15}) {
    auto answer = [&](const Bytes&) { return FakeTpm::Pieces{Part(0, cut), Part(cut, 16)}; };
    EXPECT_THAT(RandomFrom(answer), Yields(Hex("01020304"))) << cut;
  }
}

TEST(TctiTest, AResponseMayComeByteByByte) {
  auto answer = [](const Bytes&) {
    FakeTpm::Pieces pieces;
    for (uint8_t byte : kFourBytes) pieces.push_back({byte});
    return pieces;
  };
  EXPECT_THAT(RandomFrom(answer), Yields(Hex("01020304")));
}

TEST(TctiTest, ATpmThatHangsUpIsNotReady) {
  EXPECT_THAT(RandomFrom([](const Bytes&) { return FakeTpm::Pieces{kHangUp}; }),
              FailsWith(Errc::kTpmNotReady));
}

/// The answer to a command that failed would be taken for that to the next one.
TEST(TctiTest, NothingIsSentAfterAnExchangeThatFailed) {
  int commands = 0;
  FakeTpm fake([&](const Bytes&) {
    commands++;
    return FakeTpm::Pieces{commands == 1 ? MakeResponse(0x8003, 0, {}) : kFourBytes};
  });
  {
    Tpm tpm = Must(Tpm::Connect(fake.device()));
    EXPECT_THAT(tpm.GetRandom(4, ESYS_TR_NONE), FailsWith(Errc::kWrongTpm));
    EXPECT_FALSE(tpm.GetRandom(4, ESYS_TR_NONE));
  }
  EXPECT_EQ(commands, 1);
}

TEST(TctiTest, ATpmThatHangsUpInTheMiddleOfAResponseIsNotReady) {
  for (size_t size : {1, 6, 10, 15}) {
    auto answer = [&](const Bytes&) { return FakeTpm::Pieces{Part(0, size), kHangUp}; };
    EXPECT_THAT(RandomFrom(answer), FailsWith(Errc::kTpmNotReady)) << size;
  }
}

/// In a process of its own, since the kernel kills a careless writer (SIGPIPE).
TEST(TctiTest, ATpmThatIsGoneBeforeTheCommandIsNotReady) {
  auto check = [] {
    auto swtpm = std::make_unique<Swtpm>();
    Tpm tpm = ConnectTo(*swtpm);
    ProtectProcess();
    swtpm.reset();
    Result<Bytes> random = tpm.GetRandom(4, ESYS_TR_NONE);
    _exit(!random && random.error().code == Errc::kTpmNotReady ? 0 : 1);
  };
  EXPECT_EXIT(check(), ExitedWithCode(0), "");
}

TEST(TctiTest, NothingAtThePlaceOfTheTpmIsNoTpm) {
  TemporaryDirectory directory;
  std::string file = directory.Write("file", "not a device");
  EXPECT_THAT(Tcti::Open(directory.PathOf("missing")), FailsWith(Errc::kNoTpm, "missing"));
  EXPECT_THAT(Tcti::Open(file), FailsWith(Errc::kNoTpm, "not a character device"));
  EXPECT_THAT(Tcti::Open("swtpm:path=" + directory.PathOf("missing")),
              FailsWith(Errc::kNoTpm, "missing"));
  EXPECT_THAT(Tcti::Open("swtpm:path=" + file), FailsWith(Errc::kNoTpm));
  EXPECT_THAT(Tcti::Open("swtpm:path=" + std::string(200, 'x')),
              FailsWith(Errc::kNoTpm, "too long"));
}

TEST(TctiTest, AFifoAtThePlaceOfTheTpmDoesNotBlock) {
  TemporaryDirectory directory;
  std::string fifo = directory.PathOf("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THAT(Tcti::Open(fifo), FailsWith(Errc::kNoTpm));
}

}  // namespace
}  // namespace nvunlock
