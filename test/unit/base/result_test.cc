// SPDX-License-Identifier: Apache-2.0
#include "src/base/result.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

#include "test/unit/support/results.h"

namespace nvunlock {
namespace {

Result<int> Innermost(bool fails) {
  if (fails) return Fail(Errc::kNoTpm, "the cause");
  return 7;
}

Result<void> Check(bool fails) {
  if (fails) return Fail("a check failed");
  return {};
}

Result<int> Double(bool fails) {
  return 2 * TRY(Innermost(fails));
}

Result<int> AfterCheck(bool fails) {
  TRY(Check(fails));
  return 1;
}

Result<int> Inner(bool fails) {
  return TRY_IN("inner", Innermost(fails));
}

Result<int> Outer(bool fails) {
  return TRY_IN("outer", Inner(fails));
}

TEST(ResultTest, TryYieldsTheValue) {
  EXPECT_THAT(Double(false), Yields(14));
  EXPECT_THAT(AfterCheck(false), Yields(1));
}

TEST(ResultTest, TryReturnsTheErrorFromTheCaller) {
  EXPECT_THAT(Double(true), FailsWith(Errc::kNoTpm, "the cause"));
  EXPECT_THAT(AfterCheck(true), FailsWith(Errc::kFailed, "a check failed"));
}

TEST(ResultTest, TryMovesWhatCannotBeCopied) {
  auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(3); };
  auto pass_on = [&]() -> Result<std::unique_ptr<int>> { return TRY(make()); };
  EXPECT_EQ(*Must(pass_on()), 3);
}

TEST(ResultTest, ContextsNestOutermostFirstAndKeepTheCode) {
  Result<int> result = Outer(true);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "outer: inner: the cause");
  EXPECT_EQ(result.error().code, Errc::kNoTpm);
  EXPECT_THAT(Outer(false), Yields(7));
}

TEST(ResultTest, ContextIsMadeOnlyWhenItIsNeeded) {
  int made = 0;
  auto context = [&] { return made++, std::string("context"); };
  auto run = [&](bool fails) -> Result<int> { return TRY_IN(context(), Innermost(fails)); };
  EXPECT_THAT(run(false), Succeeds());
  EXPECT_EQ(made, 0);
  EXPECT_THAT(run(true), FailsWith(Errc::kNoTpm, "context: the cause"));
  EXPECT_EQ(made, 1);
}

TEST(ResultTest, ErrnoIsPutIntoWords) {
  Result<void> result = FailErrno("open x", ENOENT);
  EXPECT_EQ(result.error().message, "open x: No such file or directory");
  EXPECT_EQ(result.error().code, Errc::kFailed);
}

TEST(ResultTest, CodesAreTheDocumentedExitCodes) {
  EXPECT_EQ(static_cast<int>(Errc::kFailed), 1);
  EXPECT_EQ(static_cast<int>(Errc::kUsage), 2);
  EXPECT_EQ(static_cast<int>(Errc::kNoTpm), 3);
  EXPECT_EQ(static_cast<int>(Errc::kWrongTpm), 4);
  EXPECT_EQ(static_cast<int>(Errc::kPolicyMismatch), 5);
  EXPECT_EQ(static_cast<int>(Errc::kLockout), 6);
  EXPECT_EQ(static_cast<int>(Errc::kBadKeyFile), 7);
  EXPECT_EQ(static_cast<int>(Errc::kKeysIncomplete), 8);
  EXPECT_EQ(static_cast<int>(Errc::kDimmLocked), 9);
  EXPECT_EQ(static_cast<int>(Errc::kNotFrozen), 10);
}

}  // namespace
}  // namespace nvunlock
