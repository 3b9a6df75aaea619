// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "src/model/config.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ParsedConfig After(std::string_view command_line, std::string_view file = "") {
  ParsedConfig parsed = ParseConfig(file);
  ApplyCommandLine(command_line, parsed);
  return parsed;
}

TEST(CommandLineTest, WordsOfOthersDoNotMatter) {
  ParsedConfig parsed = After(
      "BOOT_IMAGE=/vmlinuz root=UUID=1 ro quiet nvunlocked=off rd.nvunlock=off "
      "x.nvunlock.freeze=no\n");
  EXPECT_FALSE(parsed.config.off);
  EXPECT_TRUE(parsed.config.freeze);
  EXPECT_THAT(parsed.complaints, IsEmpty());
}

TEST(CommandLineTest, EachSettingIsRead) {
  ParsedConfig parsed =
      After("nvunlock=off nvunlock.freeze=no nvunlock.on-failure=poweroff nvunlock.timeout=7");
  EXPECT_TRUE(parsed.config.off);
  EXPECT_FALSE(parsed.config.freeze);
  EXPECT_EQ(parsed.config.on_failure, OnFailure::kPowerOff);
  EXPECT_EQ(parsed.config.tpm_timeout, 7U);
  EXPECT_EQ(parsed.config.recovery_timeout, 7U);
  EXPECT_THAT(parsed.complaints, IsEmpty());
}

TEST(CommandLineTest, ItIsStrongerThanTheFileAndTheLastWordCounts) {
  EXPECT_EQ(After("nvunlock.on-failure=hold", "on-failure=proceed").config.on_failure,
            OnFailure::kHold);
  EXPECT_FALSE(After("nvunlock=off nvunlock=on").config.off);
  EXPECT_TRUE(After("nvunlock.freeze=no nvunlock.freeze=yes").config.freeze);
}

TEST(CommandLineTest, UnderscoresAreDashesAsInTheKernel) {
  EXPECT_EQ(After("nvunlock.on_failure=proceed").config.on_failure, OnFailure::kProceed);
}

TEST(CommandLineTest, WhatFollowsTwoDashesIsForInit) {
  EXPECT_FALSE(After("quiet -- nvunlock=off").config.off);
}

TEST(CommandLineTest, WhatIsWrongIsComplainedAboutAndChangesNothing) {
  for (const char* word : {"nvunlock", "nvunlock=", "nvunlock=yes", "nvunlock.freeze",
                           "nvunlock.freeze=off", "nvunlock.on-failure=pray", "nvunlock.timeout=0",
                           "nvunlock.timeout=soon", "nvunlock.kek-keyring=user", "nvunlock.off"}) {
    ParsedConfig parsed = After(word);
    EXPECT_THAT(parsed.complaints, ElementsAre(HasSubstr(word)));
    EXPECT_FALSE(parsed.config.off) << word;
    EXPECT_TRUE(parsed.config.freeze) << word;
    EXPECT_EQ(parsed.config.on_failure, OnFailure::kHold) << word;
    EXPECT_EQ(parsed.config.tpm_timeout, 30U) << word;
  }
}

TEST(CommandLineTest, TheFileCannotSwitchOffNorLeaveDimmsUnfrozen) {
  for (const char* line : {"off=yes", "nvunlock=off", "freeze=no"}) {
    ParsedConfig parsed = ParseConfig(line);
    EXPECT_FALSE(parsed.config.off);
    EXPECT_TRUE(parsed.config.freeze);
    EXPECT_THAT(parsed.complaints, ElementsAre(HasSubstr(line)));
  }
}

}  // namespace
}  // namespace nvunlock
