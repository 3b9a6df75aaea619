// SPDX-License-Identifier: Apache-2.0
// What ESYS and the transport below it make of a TPM, or of something on its bus, that answers with
// malformed responses. AddressSanitizer is the judge of what happens in between.
#include <gtest/gtest.h>

#include <functional>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/fake_tpm.h"
#include "test/unit/support/tpm_samples.h"
#include "tpm/pcr.h"
#include "tpm/sealed_object.h"
#include "tpm/session.h"
#include "tpm/srk.h"
#include "tpm/tpm.h"

namespace nvunlock {
namespace {

constexpr uint16_t kPlain = TPM2_ST_NO_SESSIONS;

/// An operation that begins with one plain command. The values do not matter: none may come.
struct Operation {
  const char* name;
  std::function<Result<void>(Tpm&)> run;
};

void PrintTo(const Operation& operation, std::ostream* stream) {
  *stream << operation.name;
}

Result<void> ReadSomePcrs(Tpm& tpm) {
  TRY(ReadPcrs(tpm, *FindPcrBank("sha256"), 0xff));
  return {};
}

Result<void> ListBanks(Tpm& tpm) {
  TRY(ActivePcrBanks(tpm));
  return {};
}

Result<void> GetSomeRandom(Tpm& tpm) {
  TRY(tpm.GetRandom(32, ESYS_TR_NONE));
  return {};
}

Result<void> StartASession(Tpm& tpm) {
  ESYS_TR parent = TRY(PinParent(tpm, kSrkHandle, SampleParent()));
  (void)TRY(StartHmacSession(tpm, parent));
  return {};
}

Result<void> LookForTheSrk(Tpm& tpm) {
  TRY(ProvisionSrk(tpm));
  return {};
}

const Operation kOperations[] = {{"ReadPcrs", ReadSomePcrs},
                                 {"ActivePcrBanks", ListBanks},
                                 {"GetRandom", GetSomeRandom},
                                 {"StartHmacSession", StartASession},
                                 {"ProvisionSrk", LookForTheSrk}};

/// What OPERATION makes of a TPM that gives the same RESPONSE to every command.
Result<void> RunAgainst(const Operation& operation, const Bytes& response) {
  FakeTpm fake([&](const Bytes&) { return FakeTpm::Pieces{response}; });
  Tpm tpm = Must(Tpm::Connect(fake.device()));
  return operation.run(tpm);
}

Bytes Success(ByteView body) {
  return MakeResponse(kPlain, TPM2_RC_SUCCESS, body);
}

struct Malformation {
  const char* name;
  Bytes response;
};

/// Malformed whatever the command was.
const Malformation kMalformations[] = {
    {"ShortHeader", Hex("800100000006")},
    {"SizeZero", Hex("80010000000000000000")},
    {"SizeSmallerThanHeader", Hex("80010000000900000000")},
    {"MoreThanItsSize", Hex("8001000000100000000000020102030405060708")},
    {"MoreThan4096Bytes", Success(Bytes(5000))},
    {"WrongTag", MakeResponse(0x8003, 0, Bytes(20))},
    {"SessionsNobodyAskedFor", MakeResponse(TPM2_ST_SESSIONS, 0, Bytes(20))},
    {"ErrorWithBody", MakeResponse(kPlain, 0x101, Bytes(20))},
};

class HostileTpmTest : public testing::TestWithParam<Operation> {};

TEST_P(HostileTpmTest, AMalformedResponseIsAWrongTpm) {
  for (const Malformation& malformation : kMalformations) {
    EXPECT_THAT(RunAgainst(GetParam(), malformation.response), FailsWith(Errc::kWrongTpm))
        << malformation.name;
  }
}

/// Well-formed as a message, but the structures inside make no sense.
TEST_P(HostileTpmTest, ContentThatMakesNoSenseIsAWrongTpm) {
  for (size_t size : {0, 1, 5, 20, 2000}) {
    EXPECT_THAT(RunAgainst(GetParam(), Success(Bytes(size, 0xff))), FailsWith(Errc::kWrongTpm))
        << size << " bytes 0xff";
  }
}

TEST_P(HostileTpmTest, NoContentCrashesOrHangs) {
  for (uint8_t fill : {0x00, 0x01, 0x7f, 0x80}) {
    for (size_t size : {4, 20, 200, 2000}) {
      (void)RunAgainst(GetParam(), Success(Bytes(size, fill)));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Operations, HostileTpmTest, testing::ValuesIn(kOperations),
                         [](const auto& info) { return info.param.name; });

class HostileRandomTest : public testing::Test {
 protected:
  static Result<void> GetRandomOfSize(size_t size) {
    Bytes body = Concatenate({BigEndian(size, 2), Bytes(size, 0xaa)});
    return RunAgainst({"", GetSomeRandom}, Success(body));
  }
};

TEST_F(HostileRandomTest, OtherThanTheBytesAskedForIsRefused) {
  for (size_t size : {0, 1, 31, 33, 64}) {
    EXPECT_THAT(GetRandomOfSize(size), FailsWith(Errc::kFailed)) << size;
  }
}

TEST_F(HostileRandomTest, MoreThanFitsIsAWrongTpm) {
  for (size_t size : {65, 1000, 4000}) {
    EXPECT_THAT(GetRandomOfSize(size), FailsWith(Errc::kWrongTpm)) << size;
  }
}

}  // namespace
}  // namespace nvunlock
