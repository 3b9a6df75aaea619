// SPDX-License-Identifier: Apache-2.0
#include "src/model/dimm.h"

#include <gtest/gtest.h>

#include "test/unit/support/nd_tree.h"
#include "test/unit/support/results.h"

namespace nvunlock {
namespace {

constexpr SecurityState kStates[] = {SecurityState::kUnsupported, SecurityState::kDisabled,
                                     SecurityState::kUnlocked,    SecurityState::kLocked,
                                     SecurityState::kOverwrite,   SecurityState::kUnknown};

TEST(SecurityStateTest, HasTheWordsOfSysfs) {
  EXPECT_EQ(ParseSecurityState("disabled"), SecurityState::kDisabled);
  EXPECT_EQ(ParseSecurityState("unlocked"), SecurityState::kUnlocked);
  EXPECT_EQ(ParseSecurityState("locked"), SecurityState::kLocked);
  EXPECT_EQ(ParseSecurityState("overwrite"), SecurityState::kOverwrite);
  for (const char* word : {"", "frozen", "Locked", "locked\n", "lock"}) {
    EXPECT_EQ(ParseSecurityState(word), SecurityState::kUnknown) << word;
  }
}

TEST(SecurityStateTest, EveryStateHasAWordOfItsOwn) {
  for (SecurityState state : kStates) EXPECT_EQ(ParseSecurityState(ToWord(state)), state);
}

class InspectDimmTest : public testing::Test {
 protected:
  [[nodiscard]] Result<Dimm> Inspect(const std::string& nmem = "nmem0") const {
    return InspectDimm(tree_.bus(), nmem);
  }

  TemporaryDirectory directory_;
  NdTree tree_{directory_};
};

TEST_F(InspectDimmTest, ReadsWhatSysfsShows) {
  tree_.AddDimm({.nmem = "nmem0", .security = "locked", .frozen = "1", .bound = true});
  Dimm dimm = Must(Inspect());
  EXPECT_EQ(dimm.nmem, "nmem0");
  EXPECT_EQ(dimm.bus, "ndbus0");
  EXPECT_EQ(dimm.id, "8089-a2-1740-00000133");
  EXPECT_EQ(dimm.security, SecurityState::kLocked);
  EXPECT_TRUE(dimm.frozen);
  EXPECT_TRUE(dimm.bound);
}

TEST_F(InspectDimmTest, ReadsCxlDimms) {
  tree_.AddDimm({.nmem = "nmem0", .id = "-2", .security = "unlocked", .provider = "cxl"});
  Dimm dimm = Must(Inspect());
  EXPECT_EQ(dimm.id, "-2");
  EXPECT_EQ(dimm.security, SecurityState::kUnlocked);
  EXPECT_FALSE(dimm.frozen);
  EXPECT_FALSE(dimm.bound);
}

TEST_F(InspectDimmTest, NoSecurityAttributeMeansNoSecurity) {
  tree_.AddDimm({.nmem = "nmem0", .security = "", .frozen = ""});
  EXPECT_EQ(Must(Inspect()).security, SecurityState::kUnsupported);
}

TEST_F(InspectDimmTest, AProviderWithoutIdsIsFineWithoutSecurity) {
  tree_.AddDimm({.nmem = "nmem0", .id = "", .security = "", .frozen = ""});
  EXPECT_EQ(Must(Inspect()).id, "");
}

TEST_F(InspectDimmTest, SecurityWithoutAnIdIsAnError) {
  tree_.AddDimm({.nmem = "nmem0", .id = "", .security = "locked"});
  EXPECT_THAT(Inspect(), FailsWith(Errc::kFailed, "nmem0"));
}

TEST_F(InspectDimmTest, AnIdThatCannotBeReadIsAnError) {
  tree_.AddDimm({.nmem = "nmem0", .id = "", .security = "locked"});
  std::filesystem::create_directories(directory_.PathOf("sys/devices/ndbus0/nmem0/nfit/id"));
  EXPECT_THAT(Inspect(), FailsWith(Errc::kFailed, "nmem0: "));
}

TEST_F(InspectDimmTest, ADriverThatCannotFreezeShowsNoFrozen) {
  tree_.AddDimm({.nmem = "nmem0", .security = "unlocked", .frozen = ""});
  EXPECT_FALSE(Must(Inspect()).frozen);
}

TEST(DimmTest, OnlyUnlockedOnesAreOpen) {
  for (SecurityState state : kStates) {
    EXPECT_EQ(Dimm{.security = state}.IsUnlocked(), state == SecurityState::kUnlocked);
  }
}

TEST(DimmTest, WhatIsNeitherLockedNorBeingOverwrittenCanBeRead) {
  for (SecurityState state : kStates) {
    bool readable = state == SecurityState::kUnsupported || state == SecurityState::kDisabled ||
                    state == SecurityState::kUnlocked;
    EXPECT_EQ(Dimm{.security = state}.IsReadable(), readable) << ToWord(state);
  }
}

TEST(DimmTest, LockedAndUnlockedOnesHaveAPassphrase) {
  for (SecurityState state : kStates) {
    EXPECT_EQ(Dimm{.security = state}.HasPassphrase(),
              state == SecurityState::kUnlocked || state == SecurityState::kLocked);
  }
}

/// Whether DIMMs of a state may be bound, in eight circumstances: not frozen and frozen, in each
/// without and with a key, in each with a kernel that does not revalidate and one that does.
struct TruthTableRow {
  SecurityState state;
  const char* may_bind;
};

constexpr TruthTableRow kTruthTable[] = {
    {SecurityState::kUnsupported, "yyyy yyyy"}, {SecurityState::kDisabled, "yyyy yyyy"},
    {SecurityState::kUnlocked, "y.yy y.yy"},    {SecurityState::kLocked, "..yy ...."},
    {SecurityState::kOverwrite, ".... ...."},   {SecurityState::kUnknown, ".... ...."},
};

TEST(ReasonNotToBindTest, NoPassphraseButItsOwnReachesADimm) {
  for (const TruthTableRow& row : kTruthTable) {
    std::string may_bind;
    for (unsigned i = 0; i < 8; i++) {
      if (i == 4) may_bind += ' ';
      Dimm dimm = {.security = row.state, .frozen = (i & 4) != 0};
      BindCircumstances circumstances = {.key_loaded = (i & 2) != 0,
                                         .kernel_revalidates = (i & 1) != 0};
      may_bind += ReasonNotToBind(dimm, circumstances) ? '.' : 'y';
    }
    EXPECT_EQ(may_bind, row.may_bind) << ToWord(row.state);
  }
}

TEST(ReasonNotToBindTest, TheReasonIsTheOneThatCounts) {
  auto reason = [](SecurityState state, bool frozen) {
    return *ReasonNotToBind({.security = state, .frozen = frozen},
                            {.key_loaded = false, .kernel_revalidates = true});
  };
  EXPECT_EQ(reason(SecurityState::kLocked, false), "it is locked and there is no key for it");
  EXPECT_EQ(reason(SecurityState::kLocked, true),
            "it is locked and frozen; power-cycle the machine before you unlock it");
  EXPECT_EQ(reason(SecurityState::kOverwrite, false), "an overwrite is running");
}

}  // namespace
}  // namespace nvunlock
