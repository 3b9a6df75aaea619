// SPDX-License-Identifier: Apache-2.0
#include "src/model/pcr_record.h"

#include <gtest/gtest.h>

#include "test/unit/support/byte_strings.h"

namespace nvunlock {
namespace {

const PcrRecord kSample = {
    .in_initramfs = true,
    .banks = {{"sha256", {{0, Bytes(32, 1)}, {11, Bytes(32, 2)}}}, {"sha1", {{7, Bytes(20, 3)}}}}};

TEST(PcrRecordTest, IsReadBack) {
  PcrRecord read_back = Must(ParsePcrRecord(FormatPcrRecord(kSample)));
  EXPECT_EQ(read_back.banks, kSample.banks);
  EXPECT_TRUE(read_back.in_initramfs);
}

TEST(PcrRecordTest, SaysWhereItWasMade) {
  PcrRecord late = kSample;
  late.in_initramfs = false;
  EXPECT_FALSE(Must(ParsePcrRecord(FormatPcrRecord(late))).in_initramfs);
}

TEST(PcrRecordTest, ARecordWithoutBanksIsReadBack) {
  EXPECT_THAT(ParsePcrRecord(FormatPcrRecord({.in_initramfs = true, .banks = {}})), Succeeds());
}

TEST(PcrRecordTest, WhatDoesNotSayWasNotMadeInAnInitramfs) {
  EXPECT_FALSE(Must(ParsePcrRecord(R"({"banks":{}})")).in_initramfs);
  EXPECT_FALSE(Must(ParsePcrRecord(R"({"banks":{},"in_initramfs":"true"})")).in_initramfs);
}

TEST(PcrRecordTest, WhatIsNotARecordIsRefused) {
  const std::string digest(64, 'a');
  for (const std::string& text : {
           std::string(),
           std::string("{"),
           std::string("[]"),
           std::string("null"),
           std::string("{}"),
           std::string(R"({"banks":[]})"),
           std::string(R"({"banks":7})"),
           std::string(R"({"banks":{"md5":{}}})"),
           std::string(R"({"banks":{"sha256":[]}})"),
           R"({"banks":{"sha256":{"24":")" + digest + R"("}}})",
           R"({"banks":{"sha256":{"-1":")" + digest + R"("}}})",
           R"({"banks":{"sha256":{"x":")" + digest + R"("}}})",
           R"({"banks":{"sha1":{"0":")" + digest + R"("}}})",
           R"({"banks":{"sha256":{"0":")" + digest + R"(zz"}}})",
           std::string(R"({"banks":{"sha256":{"0":7}}})"),
           std::string(R"({"banks":{"sha256":{"0":"zz"}}})"),
           std::string(20000, '['),
       }) {
    EXPECT_THAT(ParsePcrRecord(text), FailsWith(Errc::kFailed, "not a PCR record"))
        << text.substr(0, 100);
  }
}

TEST(PcrRecordTest, ATruncatedRecordIsRefused) {
  const std::string text = FormatPcrRecord(kSample);
  const size_t whole = text.rfind('}') + 1;
  for (size_t size = 0; size < whole; size++) {
    EXPECT_THAT(ParsePcrRecord(text.substr(0, size)), FailsWith(Errc::kFailed)) << size;
  }
}

}  // namespace
}  // namespace nvunlock
