// SPDX-License-Identifier: Apache-2.0
#include "src/status/event_log.h"

#include <gmock/gmock.h>

#include "src/crypto/hash.h"
#include "test/unit/support/event_logs.h"
#include "test/unit/support/swtpm.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {
namespace {

const LogWriter::Algorithms kBoth = {{TPM2_ALG_SHA1, 20}, {TPM2_ALG_SHA256, 32}};
constexpr std::string_view kLocality3{"StartupLocality\0\3", 17};

/// A log with all that a good one has.
LogWriter GoodLog() {
  LogWriter log;
  log.AddSpecId(kBoth);
  log.AddAgile(0, kNoActionEvent, BothDigests(0), kLocality3);
  log.AddAgile(0, 8, BothDigests(1));
  log.AddAgile(7, 0x80000001, BothDigests(2), "");
  log.AddAgile(7, kSeparatorEvent, BothDigests(3), std::string(300, 'x'));
  log.AddAgile(8, 0x0d, BothDigests(4));
  return log;
}

Bytes Extended(const Bytes& value, uint8_t byte) {
  return HashWith("SHA256", {value, Bytes(32, byte)});
}

/// What a TPM's PCRs hold that a machine's firmware started and measured into.
class ReplayTest : public SwtpmTest {
 protected:
  static void ExpectSame(Tpm& tpm, const EventLog& log, const char* bank) {
    PcrValues values = Must(ReadPcrs(tpm, *FindPcrBank(bank), (1U << kPcrCount) - 1));
    EXPECT_EQ(log.banks.at(bank), values);
  }
};

TEST_F(ReplayTest, AReplayEndsWithTheValuesOfTheTpm) {
  Tpm tpm = ConnectTo(swtpm());
  LogWriter log;
  log.AddSpecId(kBoth);
  uint8_t byte = 0;
  for (unsigned pcr : {0, 1, 2, 3, 4, 5, 6, 7, 4, 8, 9, 8, 11, 12}) {
    byte++;
    ExtendBoth(tpm, pcr, byte);
    log.AddAgile(pcr, kSeparatorEvent, BothDigests(byte));
  }
  EventLog replayed = Must(ReplayEventLog(log.bytes()));
  EXPECT_EQ(replayed.events, 15U);
  ExpectSame(tpm, replayed, "sha256");
  ExpectSame(tpm, replayed, "sha1");

  ExtendBoth(tpm, 8);
  EXPECT_NE(replayed.banks.at("sha256"), Must(ReadPcrs(tpm, Sha256Bank(), (1U << kPcrCount) - 1)));
}

TEST_F(ReplayTest, TheFormatWithSha1OnlyIsReplayed) {
  swtpm().PowerCycle();
  Tpm tpm = ConnectTo(swtpm());
  LogWriter log;
  for (unsigned pcr : {0, 7, 7, 8}) {
    ExtendPcr(tpm, pcr, *FindPcrBank("sha1"), 5);
    log.AddLegacy(pcr, kSeparatorEvent, Bytes(20, 5));
  }
  EventLog replayed = Must(ReplayEventLog(log.bytes()));
  EXPECT_EQ(replayed.banks.size(), 1U);
  ExpectSame(tpm, replayed, "sha1");
}

TEST(EventLogTest, EventsThatMeasureNothingChangeNoPcr) {
  LogWriter log;
  log.AddSpecId(kBoth);
  log.AddAgile(0xffffffff, kNoActionEvent, BothDigests(9), "something to know");
  EventLog replayed = Must(ReplayEventLog(log.bytes()));
  EXPECT_EQ(replayed.banks["sha256"][0], Bytes(32, 0));
  EXPECT_EQ(replayed.banks["sha256"][17], Bytes(32, 0xff));
}

TEST(EventLogTest, Pcr0StartsWithTheLocalityOfTheStartup) {
  EventLog replayed = Must(ReplayEventLog(GoodLog().bytes()));
  Bytes start(32);
  start.back() = 3;
  EXPECT_EQ(replayed.banks["sha256"][0], Extended(start, 1));
  EXPECT_EQ(replayed.banks["sha256"][7], Extended(Extended(Bytes(32), 2), 3));
}

TEST(EventLogTest, ABankThatIsNotKnownHereIsPassedOver) {
  constexpr uint16_t kSm3 = 0x12;
  LogWriter log;
  log.AddSpecId({{kSm3, 32}, {TPM2_ALG_SHA256, 32}});
  log.AddAgile(7, kSeparatorEvent, {{kSm3, Bytes(32, 9)}, {TPM2_ALG_SHA256, Bytes(32, 1)}});
  EventLog replayed = Must(ReplayEventLog(log.bytes()));
  EXPECT_EQ(replayed.banks.size(), 1U);
  EXPECT_EQ(replayed.banks["sha256"][7], Extended(Bytes(32), 1));
}

TEST(EventLogTest, DigestsMayComeInAnyOrder) {
  LogWriter log;
  log.AddSpecId(kBoth);
  std::vector<LoggedDigest> digests = BothDigests(1);
  std::swap(digests[0], digests[1]);
  log.AddAgile(7, kSeparatorEvent, digests);
  EXPECT_EQ(Must(ReplayEventLog(log.bytes())).banks["sha256"][7], Extended(Bytes(32), 1));
}

TEST(EventLogTest, ALogThatIsCutShortInAnEventIsRefused) {
  LogWriter log = GoodLog();
  size_t next_end = 0;
  for (size_t size = 1; size < log.bytes().size(); size++) {
    while (log.ends()[next_end] < size) next_end++;
    Result<EventLog> replayed = ReplayEventLog(ByteView(log.bytes()).first(size));
    if (size == log.ends()[next_end]) {
      EXPECT_EQ(Must(std::move(replayed)).events, next_end + 1);
    } else {
      EXPECT_THAT(replayed, FailsWith(Errc::kFailed, "event " + std::to_string(next_end + 1) +
                                                         ": it is truncated"));
    }
  }
}

TEST(EventLogTest, NoChangedByteCrashesIt) {
  Bytes good = GoodLog().bytes();
  unsigned refused = 0;
  for (size_t i = 0; i < good.size(); i++) {
    for (uint8_t change : {0x01, 0x80, 0xff}) {
      Bytes changed = good;
      changed[i] ^= change;
      if (!ReplayEventLog(changed)) refused++;
    }
  }
  EXPECT_GT(refused, 100U);
}

TEST(EventLogTest, SizesThatLieAreRefused) {
  Bytes good = GoodLog().bytes();
  size_t second_event = GoodLog().ends()[0];
  for (size_t place : {size_t{28}, second_event + 8}) {  // of the data; number of digests
    Bytes lying = good;
    std::fill_n(lying.begin() + static_cast<ptrdiff_t>(place), 4, 0xff);
    EXPECT_THAT(ReplayEventLog(lying), FailsWith(Errc::kFailed));
  }
}

struct Hostile {
  const char* name;
  std::function<void(LogWriter& log)> write;
  const char* reason;
};

void PrintTo(const Hostile& hostile, std::ostream* stream) {
  *stream << hostile.name;
}

class HostileLogTest : public testing::TestWithParam<Hostile> {};

TEST_P(HostileLogTest, IsRefusedForOneReason) {
  LogWriter log;
  GetParam().write(log);
  EXPECT_THAT(ReplayEventLog(log.bytes()), FailsWith(Errc::kFailed, GetParam().reason));
}

void AddToGood(LogWriter& log, uint32_t pcr, const std::vector<LoggedDigest>& digests,
               size_t count = 2) {
  log.AddSpecId(kBoth);
  log.AddAgile(pcr, kSeparatorEvent, digests, "data", count);
}

const Hostile kHostile[] = {
    {"empty", [](LogWriter&) {}, "it is empty"},
    {"no algorithm", [](LogWriter& log) { log.AddSpecId({}); }, "impossible number of algorithms"},
    {"many algorithms", [](LogWriter& log) { log.AddSpecId(kBoth, 0xffffffff); },
     "impossible number of algorithms"},
    {"fewer algorithms than it says", [](LogWriter& log) { log.AddSpecId(kBoth, 9); },
     "the list of algorithms is truncated"},
    {"an algorithm twice",
     [](LogWriter& log) {
       log.AddSpecId({{TPM2_ALG_SHA1, 20}, {TPM2_ALG_SHA1, 20}});
     },
     "twice"},
    {"a digest size that is wrong",
     [](LogWriter& log) {
       log.AddSpecId({{TPM2_ALG_SHA256, 20}});
     },
     "wrong digest length"},
    {"a digest of no size",
     [](LogWriter& log) {
       log.AddSpecId({{0x12, 0}});
     },
     "wrong digest length"},
    {"an algorithm that was not named",
     [](LogWriter& log) {
       AddToGood(log, 7, {{TPM2_ALG_SHA1, Bytes(20)}, {TPM2_ALG_SHA384, Bytes(48)}});
     },
     "that the log does not list"},
    {"two digests of one algorithm",
     [](LogWriter& log) {
       AddToGood(log, 7, {{TPM2_ALG_SHA1, Bytes(20)}, {TPM2_ALG_SHA1, Bytes(20)}});
     },
     "two digests of one algorithm"},
    {"a digest is missing",
     [](LogWriter& log) {
       AddToGood(log, 7, {{TPM2_ALG_SHA1, Bytes(20)}}, 1);
     },
     "not one digest of each"},
    {"many digests", [](LogWriter& log) { AddToGood(log, 7, BothDigests(1), 0xffffffff); },
     "not one digest of each"},
    {"a PCR that is not", [](LogWriter& log) { AddToGood(log, 24, BothDigests(1)); },
     "event 2: there is no PCR 24"},
    {"a locality that is not",
     [](LogWriter& log) {
       log.AddSpecId(kBoth);
       log.AddAgile(0, kNoActionEvent, BothDigests(0), {"StartupLocality\0\7", 17});
     },
     "at that locality"},
    {"no locality",
     [](LogWriter& log) {
       log.AddSpecId(kBoth);
       log.AddAgile(0, kNoActionEvent, BothDigests(0), {"StartupLocality\0", 16});
     },
     "at that locality"},
    {"a startup after a measurement",
     [](LogWriter& log) {
       AddToGood(log, 0, BothDigests(1));
       log.AddAgile(0, kNoActionEvent, BothDigests(0), kLocality3);
     },
     "after the first measurement"},
    {"too many events",
     [](LogWriter& log) {
       for (unsigned i = 0; i <= kEventLimit; i++) log.AddLegacy(1, 1, Bytes(20), "");
     },
     "more events"},
    {"too long",
     [](LogWriter& log) { log.AddLegacy(1, 1, Bytes(20), std::string(kEventLogLimit, 'x')); },
     "larger than 4 MiB"},
};

INSTANTIATE_TEST_SUITE_P(, HostileLogTest, testing::ValuesIn(kHostile));

}  // namespace
}  // namespace nvunlock
