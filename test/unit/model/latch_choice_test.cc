// SPDX-License-Identifier: Apache-2.0
#include "src/model/latch_choice.h"

#include <gmock/gmock.h>

#include "test/unit/support/results.h"

namespace nvunlock {

void PrintTo(const LatchChoice& choice, std::ostream* stream) {
  *stream << ToText(choice);
}

namespace {

TEST(LatchChoiceTest, EveryKindIsRead) {
  EXPECT_THAT(ParseLatchChoice("none"), Yields(LatchChoice{LatchKind::kNone}));
  EXPECT_THAT(ParseLatchChoice("nv"), Yields(LatchChoice{LatchKind::kNv}));
  EXPECT_THAT(ParseLatchChoice("pcr:8"), Yields(LatchChoice{LatchKind::kPcr, 8}));
  EXPECT_THAT(ParseLatchChoice("pcr:15"), Yields(LatchChoice{LatchKind::kPcr, 15}));
}

TEST(LatchChoiceTest, TheTextIsReadBack) {
  for (const char* text : {"none", "nv", "pcr:8", "pcr:12", "pcr:15"}) {
    EXPECT_EQ(ToText(Must(ParseLatchChoice(text))), text);
  }
}

TEST(LatchChoiceTest, PcrsThatTheFirmwareExtendsOrSoftwareResetsAreNoLatch) {
  for (unsigned pcr = 0; pcr < 30; pcr++) {
    Result<LatchChoice> choice = ParseLatchChoice("pcr:" + std::to_string(pcr));
    if (pcr >= 8 && pcr <= 15) {
      EXPECT_THAT(choice, Succeeds()) << pcr;
    } else {
      EXPECT_THAT(choice, FailsWith(Errc::kUsage, "is no latch")) << pcr;
    }
  }
}

TEST(LatchChoiceTest, AnythingElseIsWrongUsage) {
  for (const char* text :
       {"", "NV", "nv ", "pcr", "pcr:", "pcr:x", "pcr: 8", "pcr:-8", "pcr:8+9", "8", "no"}) {
    EXPECT_THAT(ParseLatchChoice(text), FailsWith(Errc::kUsage, "there are nv, pcr:N and none"))
        << text;
  }
}

}  // namespace
}  // namespace nvunlock
