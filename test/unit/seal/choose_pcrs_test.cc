// SPDX-License-Identifier: Apache-2.0
#include "src/seal/choose_pcrs.h"

#include <gmock/gmock.h>

#include <initializer_list>

#include "test/unit/support/results.h"
#include "test/unit/support/temporary_directory.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {
namespace {

using Pcrs = std::vector<unsigned>;

/// The PCRs of a policy: those of MEASURED hold something, those of RESET do not.
PcrValues ValuesOf(const Pcrs& measured, const Pcrs& reset = {}) {
  PcrValues values;
  for (unsigned pcr : measured) values[pcr] = Bytes(32, 1);
  for (unsigned pcr : reset) values[pcr] = Bytes(32);
  return values;
}

uint32_t MaskFrom(const Pcrs& pcrs) {
  uint32_t mask = 0;
  for (unsigned pcr : pcrs) mask |= 1U << pcr;
  return mask;
}

TEST(ChoosePcrsTest, GoesByWhatTheBootLoaderHasMeasured) {
  struct Row {
    Pcrs measured;
    Pcrs chosen;
  };
  for (const Row& row : std::vector<Row>{{{4, 7, 8, 9}, {4, 7, 8, 9}},
                                         {{4, 7, 8}, {4, 7, 8, 9}},
                                         {{4, 7, 11}, {4, 7, 11, 12}},
                                         {{4, 7, 9, 11, 12}, {4, 7, 11, 12}},
                                         {{8, 9, 11}, {4, 7, 11, 12}},
                                         {{4, 7, 9}, {4, 7, 9, 12}},
                                         {{4, 7, 12}, {4, 7, 9, 12}}}) {
    PcrTerms chosen = Must(ChoosePcrs(Sha256Bank(), ValuesOf(row.measured, {0})));
    EXPECT_EQ(MaskOf(chosen), MaskFrom(row.chosen)) << MaskFrom(row.measured);
    EXPECT_EQ(chosen.bank, &Sha256Bank());
    for (const auto& [pcr, value] : chosen.pcrs) EXPECT_FALSE(value) << pcr;
  }
}

TEST(ChoosePcrsTest, WhatHoldsNothingIsNotChosenBy) {
  EXPECT_EQ(MaskOf(Must(ChoosePcrs(Sha256Bank(), ValuesOf({8}, {9, 11, 12})))),
            MaskFrom({4, 7, 8, 9}));
  for (const PcrValues& values :
       {ValuesOf({0, 4, 7}), ValuesOf({4, 7}, {8, 9, 11, 12}), PcrValues()}) {
    EXPECT_THAT(ChoosePcrs(Sha256Bank(), values), FailsWith(Errc::kUsage, "--tpm2-pcrs="));
  }
}

struct CoverRow {
  PcrValues values;
  bool secure_boot;
  bool by_stub;
  const char* missing;  ///< nullptr: nothing
};

constexpr char kInitramfs[] = "open for an initramfs of";
constexpr char kLine[] = "open for a kernel command line of";
constexpr char kBoth[] = "open for an initramfs and a kernel command line of";

void ExpectCover(std::initializer_list<CoverRow> rows) {
  size_t number = 0;
  for (const CoverRow& row : rows) {
    Result<void> covers =
        CheckCoversBoot(row.values, {.secure_boot = row.secure_boot, .by_stub = row.by_stub});
    if (row.missing == nullptr) {
      EXPECT_THAT(covers, Succeeds()) << number;
    } else {
      EXPECT_THAT(covers, FailsWith(Errc::kFailed, row.missing)) << number;
    }
    number++;
  }
}

TEST(CheckCoversBootTest, WhatIsChosenCovers) {
  for (bool secure_boot : {false, true}) {
    ExpectCover({{ValuesOf({4, 7, 8, 9}), secure_boot, false, nullptr},
                 {ValuesOf({4, 7, 9, 12}), secure_boot, false, nullptr},
                 {ValuesOf({4, 7, 11, 12}), secure_boot, true, nullptr},
                 {ValuesOf({4, 7, 11}, {12}), secure_boot, true, nullptr}});
  }
}

/// A thief's boot loader measures into these what it likes.
TEST(CheckCoversBootTest, WithoutSecureBootSomePcrsSayNothingByThemselves) {
  ExpectCover({{ValuesOf({7}), false, false, kBoth},
               {ValuesOf({7, 8}), false, false, kBoth},
               {ValuesOf({7, 12}), false, false, kBoth},
               {ValuesOf({7, 8, 12}), false, true, kBoth},
               {ValuesOf({7}, {12}), false, true, kBoth}});
}

TEST(CheckCoversBootTest, WithoutAStubTheInitramfsAndTheCommandLineAreMeasuredApart) {
  for (bool secure_boot : {false, true}) {
    ExpectCover({{ValuesOf({4, 7}), secure_boot, false, kBoth},
                 {ValuesOf({4, 7, 8}), secure_boot, false, kInitramfs},
                 {ValuesOf({4, 7, 12}), secure_boot, false, kInitramfs},
                 {ValuesOf({4, 7, 9}), secure_boot, false, kLine},
                 {ValuesOf({4, 7, 9}, {8, 12}), secure_boot, false, kLine},
                 {ValuesOf({4, 7, 8}, {9}), secure_boot, false, kInitramfs}});
  }
}

TEST(CheckCoversBootTest, WithSecureBootOnPcr7AnchorsTheOthers) {
  ExpectCover({{ValuesOf({7, 8}), true, false, kInitramfs},
               {ValuesOf({7}), true, false, kBoth},
               {ValuesOf({7, 8, 9}), true, false, nullptr},
               {ValuesOf({8}), true, false, kBoth},
               {ValuesOf({8}, {7}), true, false, kBoth}});
}

TEST(CheckCoversBootTest, AUkiIsMeasuredInOnePiece) {
  ExpectCover({{ValuesOf({4}, {12}), false, true, nullptr},
               {ValuesOf({11}, {12}), false, true, nullptr},
               {ValuesOf({4}), false, true, kLine},
               {ValuesOf({11}), false, true, kLine},
               {ValuesOf({7, 11}), false, true, kLine},
               {ValuesOf({7, 11}), true, true, nullptr},
               {ValuesOf({4, 7}), true, true, nullptr},
               {ValuesOf({7}), true, true, kInitramfs}});
}

class SecureBootTest : public testing::Test {
 protected:
  [[nodiscard]] bool IsOnWith(std::string_view variable) const {
    directory_.Write("firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
                     variable);
    return SecureBootIsOn(directory_.path());
  }

  TemporaryDirectory directory_;
};

TEST_F(SecureBootTest, IsOnWhereTheVariableSaysSo) {
  using std::string_view_literals::operator""sv;
  EXPECT_FALSE(SecureBootIsOn(directory_.path()));
  EXPECT_TRUE(IsOnWith("\x06\0\0\0\1"sv));
  for (std::string_view variable : {""sv, "\1"sv, "\x06\0\0\0"sv, "\x06\0\0\0\0"sv,
                                    "\x06\0\0\0\2"sv, "\x06\0\0\0\1\1"sv, "\0\0\0\1"sv}) {
    EXPECT_FALSE(IsOnWith(variable)) << variable.size();
  }
}

}  // namespace
}  // namespace nvunlock
