// SPDX-License-Identifier: Apache-2.0
#include "src/model/config.h"

#include <gmock/gmock.h>

#include "test/unit/support/results.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

void ExpectDefaults(const Config& config) {
  EXPECT_EQ(config.kek_keyring, KekKeyring::kProcess);
  EXPECT_TRUE(config.key_revalidate);
  EXPECT_EQ(config.on_failure, OnFailure::kHold);
  EXPECT_EQ(config.tpm_device, "auto");
  EXPECT_TRUE(config.recovery_prompt);
  EXPECT_EQ(config.recovery_timeout, 90U);
}

TEST(ConfigTest, DefaultsAreTheSafeChoices) {
  ParsedConfig parsed = ParseConfig("");
  ExpectDefaults(parsed.config);
  EXPECT_THAT(parsed.complaints, IsEmpty());
}

TEST(ConfigTest, EverySettingIsRead) {
  ParsedConfig parsed = ParseConfig(
      "kek-keyring=user\nkey-revalidate=no\non-failure=proceed\ntpm2-device=/dev/tpm1\n");
  EXPECT_EQ(parsed.config.kek_keyring, KekKeyring::kUser);
  EXPECT_FALSE(parsed.config.key_revalidate);
  EXPECT_EQ(parsed.config.on_failure, OnFailure::kProceed);
  EXPECT_EQ(parsed.config.tpm_device, "/dev/tpm1");
  EXPECT_THAT(parsed.complaints, IsEmpty());
}

TEST(ConfigTest, EveryValueIsRead) {
  EXPECT_EQ(ParseConfig("on-failure=hold").config.on_failure, OnFailure::kHold);
  EXPECT_EQ(ParseConfig("on-failure=poweroff").config.on_failure, OnFailure::kPowerOff);
  EXPECT_EQ(ParseConfig("kek-keyring=process").config.kek_keyring, KekKeyring::kProcess);
  EXPECT_TRUE(ParseConfig("key-revalidate=yes").config.key_revalidate);
}

TEST(ConfigTest, TheRecoverySettingsAreRead) {
  ParsedConfig parsed = ParseConfig("recovery-prompt=no\nrecovery-timeout=5\n");
  EXPECT_FALSE(parsed.config.recovery_prompt);
  EXPECT_EQ(parsed.config.recovery_timeout, 5U);
  EXPECT_THAT(parsed.complaints, IsEmpty());
  EXPECT_TRUE(ParseConfig("recovery-prompt=no\nrecovery-prompt=yes").config.recovery_prompt);
}

TEST(ConfigTest, TheCommandThatRebuildsImagesIsRead) {
  EXPECT_EQ(ParseConfig("").config.rebuild_images, "");
  ParsedConfig parsed = ParseConfig("rebuild-images=dracut --force  --regenerate-all\n");
  EXPECT_EQ(parsed.config.rebuild_images, "dracut --force  --regenerate-all");
  EXPECT_THAT(parsed.complaints, IsEmpty());
  EXPECT_THAT(ParseConfig("rebuild-images=").complaints, SizeIs(1));
}

TEST(ConfigTest, CommentsBlankLinesAndSpaceDoNotMatter) {
  ParsedConfig parsed = ParseConfig("# comment\n\n  \t\n  # more\n  on-failure =  proceed \r\n");
  EXPECT_EQ(parsed.config.on_failure, OnFailure::kProceed);
  EXPECT_THAT(parsed.complaints, IsEmpty());
}

TEST(ConfigTest, ABadLineIsComplainedAboutAndKeepsTheDefault) {
  for (const char* line :
       {"kek-keyring=session", "key-revalidate=off", "on-failure=", "on-failure=Proceed",
        "tpm2-device=", "unknown=1", "no equals sign", "=", "kek_keyring=user",
        "recovery-prompt=maybe", "recovery-timeout=", "recovery-timeout=0", "recovery-timeout=-1",
        "recovery-timeout=90s", "recovery-timeout=99999999999", "recovery-timeout=86401",
        "tpm2-timeout=214748365"}) {
    ParsedConfig parsed = ParseConfig(line);
    ExpectDefaults(parsed.config);
    EXPECT_THAT(parsed.complaints, ElementsAre(HasSubstr(line))) << line;
  }
}

TEST(ConfigTest, WhoAsksForTooManySecondsIsToldTheMost) {
  EXPECT_EQ(ParseConfig("tpm2-timeout=86400").config.tpm_timeout, 86400U);
  EXPECT_THAT(ParseConfig("tpm2-timeout=86401").complaints,
              ElementsAre(HasSubstr("it takes seconds, at most 86400")));
}

TEST(ConfigTest, GoodLinesCountBesideBadOnes) {
  ParsedConfig parsed = ParseConfig("nonsense\non-failure=proceed\nkek-keyring=nonsense");
  EXPECT_EQ(parsed.config.on_failure, OnFailure::kProceed);
  EXPECT_EQ(parsed.config.kek_keyring, KekKeyring::kProcess);
  EXPECT_THAT(parsed.complaints, SizeIs(2));
}

TEST(ConfigTest, ABadValueAfterAGoodOneDoesNotUndoIt) {
  EXPECT_EQ(ParseConfig("on-failure=proceed\non-failure=x").config.on_failure, OnFailure::kProceed);
}

TEST(ImageFactsTest, SayWhetherTheMachineIsEnrolledAndItsName) {
  ImageFacts facts = Must(ParseImageFacts("# made by dracut\nenrolled=yes\nhost=srv7.example\n"));
  EXPECT_TRUE(facts.enrolled);
  EXPECT_EQ(facts.host, "srv7.example");
  EXPECT_FALSE(Must(ParseImageFacts("enrolled=no\n")).enrolled);
  EXPECT_EQ(Must(ParseImageFacts("enrolled=no\n")).host, "");
}

TEST(ImageFactsTest, NothingFollowsFromSilence) {
  for (const char* text : {"", "host=x\n", "enrolled\n", "enrolled=\n", "enrolled=true\n",
                           "Enrolled=yes\n", "#enrolled=yes\n"}) {
    EXPECT_THAT(ParseImageFacts(text), FailsWith(Errc::kFailed, "enrolled=yes or enrolled=no"))
        << text;
  }
}

TEST(ImageFactsTest, UnknownFactsAreForLaterVersions) {
  EXPECT_TRUE(Must(ParseImageFacts("enrolled=yes\nfuture=fact\n")).enrolled);
}

}  // namespace
}  // namespace nvunlock
