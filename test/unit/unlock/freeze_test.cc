// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/freeze.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "test/unit/support/nd_tree.h"
#include "test/unit/support/results.h"

namespace nvunlock {
namespace {

class FreezeDimmTest : public testing::Test {
 protected:
  [[nodiscard]] Result<void> Freeze() const { return FreezeDimm(tree_.bus(), "nmem0"); }

  TemporaryDirectory directory_;
  NdTree tree_{directory_};
};

TEST_F(FreezeDimmTest, AsksForTheFreezeAndSeesIt) {
  tree_.AddDimm({.nmem = "nmem0", .security = "", .frozen = "1"});
  tree_.SetAttribute("nmem0", "security", "");
  EXPECT_THAT(Freeze(), Succeeds());
  EXPECT_EQ(tree_.ReadAttribute("nmem0", "security"), "freeze");
}

TEST_F(FreezeDimmTest, ADimmThatDoesNotComeOutFrozenIsAnError) {
  tree_.AddDimm({.nmem = "nmem0", .security = "unlocked", .frozen = "0"});
  EXPECT_THAT(Freeze(), FailsWith(Errc::kNotFrozen, "is not frozen"));
}

/// Whatever the kernel answers: what counts is whether it is frozen.
TEST_F(FreezeDimmTest, AFreezeWhoseAnswerIsLostIsOne) {
  tree_.AddDimm({.nmem = "nmem0", .security = "unlocked", .frozen = "1"});
  std::string security = "sys/devices/ndbus0/nmem0/security";
  std::filesystem::remove(directory_.PathOf(security));
  directory_.Link(security, "/proc/self/mem");
  EXPECT_THAT(Freeze(), Succeeds());
  tree_.SetAttribute("nmem0", "frozen", "0");
  EXPECT_THAT(Freeze(), FailsWith(Errc::kNotFrozen));
}

TEST_F(FreezeDimmTest, ADimmThatDoesNotShowWhetherItIsFrozenIsAnError) {
  tree_.AddDimm({.nmem = "nmem0", .security = "unlocked", .frozen = ""});
  EXPECT_THAT(Freeze(), FailsWith(Errc::kNotFrozen));
}

TEST_F(FreezeDimmTest, ADimmWithoutSecurityIsAnError) {
  tree_.AddDimm({.nmem = "nmem0", .security = "", .frozen = ""});
  EXPECT_THAT(Freeze(), FailsWith(Errc::kNotFrozen, "not supported"));
}

}  // namespace
}  // namespace nvunlock
