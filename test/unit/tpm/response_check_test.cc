// SPDX-License-Identifier: Apache-2.0
#include "tpm/response_check.h"

#include <gtest/gtest.h>
#include <tss2/tss2_tpm2_types.h>

#include <ostream>
#include <string>
#include <vector>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/fake_tpm.h"

namespace nvunlock {
namespace {

constexpr uint16_t kPlain = TPM2_ST_NO_SESSIONS;
constexpr uint16_t kWithSessions = TPM2_ST_SESSIONS;
constexpr uint16_t kTpm12 = TPM2_ST_RSP_COMMAND;

/// The shape of a command is that of a response, with the command code at the place of the code.
Bytes Command(uint16_t tag, uint32_t command_code) {
  return MakeResponse(tag, command_code, {});
}

Bytes Success(uint16_t tag, std::string_view body_hex) {
  return MakeResponse(tag, TPM2_RC_SUCCESS, Hex(body_hex));
}

/// RESPONSE with another size in its header.
Bytes WithSize(Bytes response, uint32_t size) {
  Bytes field = BigEndian(size, 4);
  std::copy(field.begin(), field.end(), response.begin() + 2);
  return response;
}

struct Case {
  const char* name;
  Bytes command;
  Bytes response;
};

void PrintTo(const Case& shown, std::ostream* stream) {
  *stream << ToHex(shown.response);
}

std::string NameOfCase(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

const Bytes kRandomCommand = Command(kPlain, TPM2_CC_GetRandom);
const Bytes kUnsealCommand = Command(kWithSessions, TPM2_CC_Unseal);
const Bytes kLoadCommand = Command(kWithSessions, TPM2_CC_Load);
const Bytes kPcrReadCommand = Command(kPlain, TPM2_CC_PCR_Read);
const Bytes kStartCommand = Command(kPlain, TPM2_CC_StartAuthSession);

class WellFormedResponseTest : public testing::TestWithParam<Case> {};

TEST_P(WellFormedResponseTest, IsLetThrough) {
  EXPECT_EQ(FindMalformation(GetParam().command, GetParam().response), std::nullopt);
}

const Case kWellFormed[] = {
    {"BareSuccess", Command(kPlain, TPM2_CC_PolicyPCR), Success(kPlain, "")},
    {"Error", kUnsealCommand, MakeResponse(kPlain, 0x99d, {})},
    {"ErrorOfATpm12", kRandomCommand, MakeResponse(kTpm12, 30, {})},
    {"SizedBuffer", kRandomCommand, Success(kPlain, "0002abcd")},
    {"EmptySizedBuffer", kRandomCommand, Success(kPlain, "0000")},
    {"ParametersBehindTheSizedBuffer", Command(kPlain, TPM2_CC_ReadPublic),
     Success(kPlain, "0001aa0002bbbb")},
    {"OtherParameters", kPcrReadCommand, Success(kPlain, "ffffffffffff")},
    {"HandleAndSizedBuffer", kStartCommand, Success(kPlain, "030000000001aa")},
    {"Session", kUnsealCommand, Success(kWithSessions, "000000030001aa0001bb010001cc")},
    {"SessionWithoutNonceAndHmac", kUnsealCommand,
     Success(kWithSessions, "000000030001aa0000000000")},
    {"TwoSessions", kUnsealCommand, Success(kWithSessions, "000000030001aa00000000000000000000")},
    {"SessionOnly", Command(kWithSessions, TPM2_CC_EvictControl),
     Success(kWithSessions, "000000000000000000")},
    {"HandleAndSession", kLoadCommand, Success(kWithSessions, "80000000000000030001aa0000000000")},
    {"AsLongAsCanBe", kRandomCommand,
     MakeResponse(kPlain, 0, Concatenate({BigEndian(4084, 2), Bytes(4084)}))},
};

INSTANTIATE_TEST_SUITE_P(Shapes, WellFormedResponseTest, testing::ValuesIn(kWellFormed),
                         NameOfCase);

class MalformedResponseTest : public testing::TestWithParam<Case> {};

TEST_P(MalformedResponseTest, IsNoticed) {
  EXPECT_NE(FindMalformation(GetParam().command, GetParam().response), std::nullopt);
}

const Case kMalformed[] = {
    {"Nothing", kRandomCommand, {}},
    {"HeaderCutShort", kRandomCommand, Hex("800100000009000000")},
    {"SizeFieldZero", kRandomCommand, WithSize(Success(kPlain, "0001aa"), 0)},
    {"SizeFieldTooSmall", kRandomCommand, WithSize(Success(kPlain, "0001aa"), 12)},
    {"SizeFieldTooLarge", kRandomCommand, WithSize(Success(kPlain, "0001aa"), 14)},
    {"SizeFieldHuge", kRandomCommand, WithSize(Success(kPlain, "0001aa"), 0xffffffff)},
    {"LongerThanAnyTpmsAnswer", kRandomCommand,
     MakeResponse(kPlain, 0, Concatenate({BigEndian(4085, 2), Bytes(4085)}))},
    {"TagUnknown", kRandomCommand, Success(0x1234, "0001aa")},
    {"TagWithSessionsForACommandWithout", kRandomCommand,
     Success(kWithSessions, "000000030001aa0000000000")},
    {"TagWithoutSessionsForACommandWith", kUnsealCommand, Success(kPlain, "0001aa")},
    {"TagOfATpm12OnSuccess", kRandomCommand, Success(kTpm12, "0001aa")},
    {"ErrorWithSessions", kUnsealCommand, MakeResponse(kWithSessions, 0x99d, {})},
    {"ErrorWithBody", kUnsealCommand, MakeResponse(kPlain, 0x99d, Hex("00"))},
    {"HandleCutShort", kStartCommand, Success(kPlain, "030000")},
    {"HandleMissing", kLoadCommand, Success(kWithSessions, "")},
    {"ParameterSizeCutShort", kUnsealCommand, Success(kWithSessions, "000000")},
    {"ParameterSizeTooLarge", kUnsealCommand, Success(kWithSessions, "000000040001aa")},
    {"ParameterSizeHuge", kUnsealCommand, Success(kWithSessions, "ffffffff0001aa0000000000")},
    {"ParameterSizeCoversTheSession", kUnsealCommand,
     Success(kWithSessions, "000000080001aa0000000000")},
    {"SizedBufferMissing", kRandomCommand, Success(kPlain, "")},
    {"SizedBufferCutShort", kRandomCommand, Success(kPlain, "00")},
    {"SizedBufferTooLarge", kRandomCommand, Success(kPlain, "0003abcd")},
    {"SizedBufferReachesIntoTheSession", kUnsealCommand,
     Success(kWithSessions, "000000030002aa0000000000")},
    {"SizedBufferBehindAHandleTooLarge", kLoadCommand,
     Success(kWithSessions, "80000000000000030002aa0000000000")},
    {"SessionMissing", kUnsealCommand, Success(kWithSessions, "000000030001aa")},
    {"SessionNonceTooLarge", kUnsealCommand, Success(kWithSessions, "000000030001aaffff000000")},
    {"SessionAttributesMissing", kUnsealCommand, Success(kWithSessions, "000000030001aa0000")},
    {"SessionHmacMissing", kUnsealCommand, Success(kWithSessions, "000000030001aa000001")},
    {"SessionHmacTooLarge", kUnsealCommand, Success(kWithSessions, "000000030001aa0000010002cc")},
    {"GarbageBehindTheSession", kUnsealCommand,
     Success(kWithSessions, "000000030001aa0000000000ff")},
};

INSTANTIATE_TEST_SUITE_P(Hostile, MalformedResponseTest, testing::ValuesIn(kMalformed), NameOfCase);

TEST(FindMalformationTest, EveryTruncationOfAResponseIsNoticed) {
  Bytes response = Success(kWithSessions, "80000000000000030001aa0002bbbb010002cccc");
  ASSERT_EQ(FindMalformation(kLoadCommand, response), std::nullopt);
  for (size_t size = 0; size < response.size(); size++) {
    Bytes cut(response.begin(), response.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_NE(FindMalformation(kLoadCommand, cut), std::nullopt) << size;
    if (size < 10) continue;
    cut = WithSize(cut, static_cast<uint32_t>(size));
    EXPECT_NE(FindMalformation(kLoadCommand, cut), std::nullopt) << size << ", size adjusted";
  }
}

}  // namespace
}  // namespace nvunlock
