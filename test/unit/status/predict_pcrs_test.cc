// SPDX-License-Identifier: Apache-2.0
#include "src/status/predict_pcrs.h"

#include <gmock/gmock.h>

#include "src/base/hex.h"
#include "src/records/record_pcrs.h"
#include "test/unit/support/event_logs.h"
#include "test/unit/support/swtpm.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Bytes kApproved(32, 0xe);
const Bytes kBeginning(kBeginningSize, 0xe);
const Bytes kOther(32, 0x0);

PcrBanks Banks(unsigned pcr, const Bytes& value) {
  return {{"sha256", {{pcr, value}}}};
}

/// The policy that PCR holds kApproved.
PcrPolicy PolicyOn(unsigned pcr) {
  return PolicyForValues(Sha256Bank(), {{pcr, kApproved}});
}

struct Known {
  std::optional<Bytes> in_initramfs;
  std::optional<Bytes> late;
  std::optional<Bytes> predicted;
  std::optional<Bytes> current;
};

/// What is expected of PCR when this much is known.
PcrComparison Expect(unsigned pcr, const Known& known, const PcrPolicy& policy) {
  PcrSources sources;
  for (const auto& [value, in_initramfs] :
       {std::pair(known.in_initramfs, true), std::pair(known.late, false)}) {
    if (value) {
      sources.recorded = PcrRecord{.in_initramfs = in_initramfs, .banks = Banks(pcr, *value)};
    }
  }
  if (known.predicted) sources.predicted = Banks(pcr, *known.predicted);
  if (known.current) sources.current = Banks(pcr, *known.current);
  std::vector<PcrComparison> rows = ComparePcrs(policy, sources);
  EXPECT_EQ(rows.size(), 1U);
  return rows.at(0);
}
PcrComparison Expect(unsigned pcr, const Known& known) {
  return Expect(pcr, known, PolicyOn(pcr));
}

TEST(ComparePcrsTest, ValuesAreSideBySide) {
  Known known = {.in_initramfs = Bytes(32, 1), .predicted = Bytes(32, 2), .current = Bytes(32, 3)};
  PcrComparison row = Expect(8, known);
  EXPECT_EQ(row.approved, kBeginning);
  EXPECT_EQ(row.recorded, known.in_initramfs);
  EXPECT_EQ(row.predicted, known.predicted);
  EXPECT_EQ(row.current, known.current);
}

TEST(ComparePcrsTest, TheRecordOfTheInitramfsCountsMost) {
  PcrComparison row =
      Expect(8, {.in_initramfs = kOther, .predicted = kApproved, .current = kApproved});
  EXPECT_EQ(row.expected, kOther);
  EXPECT_EQ(row.basis, PcrBasis::kRecorded);
  EXPECT_EQ(
      Expect(11, {.in_initramfs = kApproved, .predicted = kOther, .current = kOther}).expected,
      kApproved);
}

TEST(ComparePcrsTest, ThenTheEventLogCounts) {
  PcrComparison row = Expect(11, {.late = kOther, .predicted = kApproved, .current = kOther});
  EXPECT_EQ(row.expected, kApproved);
  EXPECT_EQ(row.basis, PcrBasis::kPredicted);
  EXPECT_EQ(Expect(11, {.late = kApproved, .predicted = kOther, .current = kApproved}).expected,
            kOther);
  EXPECT_EQ(Expect(8, {.predicted = kApproved, .current = kOther}).expected, kApproved);
}

TEST(ComparePcrsTest, APcrThatDoesNotChangeLaterMayBeMissingInTheLog) {
  PcrComparison row = Expect(8, {.predicted = kOther, .current = kApproved});
  EXPECT_EQ(row.expected, kApproved);
  EXPECT_EQ(row.basis, PcrBasis::kCurrent);
  EXPECT_EQ(Expect(8, {.late = kApproved, .predicted = kOther, .current = kOther}).basis,
            PcrBasis::kRecorded);
  EXPECT_EQ(Expect(8, {.predicted = kOther, .current = Bytes(32, 9)}).expected, kOther);
}

TEST(ComparePcrsTest, WithoutRecordAndLogTheCurrentValueCounts) {
  for (unsigned pcr : {8, 11}) {
    PcrComparison row = Expect(pcr, {.current = kOther});
    EXPECT_EQ(row.expected, kOther);
    EXPECT_EQ(row.basis, PcrBasis::kCurrent);
  }
}

TEST(ComparePcrsTest, WithoutAnyValueNothingIsExpected) {
  PcrPolicy policy = PolicyOn(8);
  std::vector<PcrComparison> rows = ComparePcrs(policy, {});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].basis, PcrBasis::kNothing);
  EXPECT_FALSE(ExpectedPolicy(policy.pcrs, rows));
}

TEST(ComparePcrsTest, EachPcrHasTheBeginningOfItsOwnValue) {
  PcrPolicy policy =
      PolicyForValues(Sha256Bank(), {{4, Bytes(32, 4)}, {8, Bytes(32, 8)}, {9, Bytes(32, 9)}});
  std::vector<PcrComparison> rows = ComparePcrs(policy, {});
  ASSERT_EQ(rows.size(), 3U);
  for (const PcrComparison& row : rows) {
    EXPECT_EQ(row.approved, Bytes(kBeginningSize, static_cast<uint8_t>(row.pcr)));
  }
  policy.beginnings.clear();
  for (const PcrComparison& row : ComparePcrs(policy, {})) EXPECT_FALSE(row.approved);
}

TEST(ComparePcrsTest, SignedPcrsHaveNoApprovedValue) {
  SignedPolicy policy;
  policy.pcrs = PolicyOn(11).pcrs;
  std::vector<PcrComparison> rows = ComparePcrs(policy, {.current = Banks(11, kOther)});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].pcr, 11U);
  EXPECT_FALSE(rows[0].approved);
  EXPECT_EQ(rows[0].expected, kOther);
}

TEST(ExpectedPolicyTest, IsThePolicyItselfWhenTheValuesAreTheApprovedOnes) {
  PcrPolicy policy = PolicyOn(8);
  auto expected =
      ExpectedPolicy(policy.pcrs, ComparePcrs(policy, {.current = Banks(8, kApproved)}));
  EXPECT_EQ(expected->pcr_digest, policy.pcr_digest);
  expected = ExpectedPolicy(policy.pcrs, ComparePcrs(policy, {.current = Banks(8, kOther)}));
  EXPECT_NE(expected->pcr_digest, policy.pcr_digest);
}

class GatherPcrsTest : public SwtpmTest {
 protected:
  [[nodiscard]] PcrSources Gather(const std::string& device) const {
    TpmConnection connection(device);
    return GatherPcrs(EnvironmentBelow(directory_.path()), connection);
  }

  TemporaryDirectory directory_;
};

constexpr char kEventLogPath[] = "sys/kernel/security/tpm0/binary_bios_measurements";

TEST_F(GatherPcrsTest, NothingThereIsNoError) {
  PcrSources sources = Gather("/nonexistent/tpm");
  EXPECT_FALSE(sources.recorded);
  EXPECT_THAT(sources.predicted, IsEmpty());
  EXPECT_THAT(sources.current, IsEmpty());
  EXPECT_THAT(sources.notes, IsEmpty());
}

TEST_F(GatherPcrsTest, PredictedFromTheLogAreTheValuesOfTheTpm) {
  {
    Tpm tpm = ConnectTo(swtpm());
    for (unsigned pcr : {0, 4, 7, 8}) ExtendBoth(tpm, pcr);
  }
  directory_.Write(kEventLogPath, AsText(LogOfPcrs({0, 4, 7, 8})));
  PcrSources sources = Gather(swtpm().device());
  EXPECT_EQ(sources.events, 5U);
  EXPECT_EQ(sources.predicted.at("sha256"), sources.current.at("sha256"));
  EXPECT_EQ(sources.predicted.at("sha1"), sources.current.at("sha1"));
}

TEST_F(GatherPcrsTest, ADamagedLogOrRecordIsNamedAndNotUsed) {
  directory_.Write(kEventLogPath, "nonsense");
  directory_.Write("run/nvunlock/pcrs.json", "nonsense");
  PcrSources sources = Gather(swtpm().device());
  EXPECT_THAT(sources.predicted, IsEmpty());
  EXPECT_THAT(sources.notes, ElementsAre(HasSubstr("pcrs.json: not a PCR record"),
                                         HasSubstr("the firmware's event log is not used")));
}

}  // namespace
}  // namespace nvunlock
