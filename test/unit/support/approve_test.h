// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_APPROVE_TEST_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_APPROVE_TEST_H_

#include <gmock/gmock.h>

#include "src/seal/approve.h"
#include "src/seal/held_update_key.h"
#include "src/seal/latch.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {

inline const KekName kApprovedKek = {"user", "nvdimm-master"};
inline const ApprovalChange kOnlyNow = {.only_now = true};
inline const ApprovalChange kNextBoot = {.next_boots = 1};
inline const ApprovalChange kLearn = {.learn = true};

/// This boot, where nothing tells any more which PCRs were approved.
inline ApprovalChange Anew() {
  return {.only_now = true, .pcrs = Must(ParsePcrTerms("7+8")), .weak_policy = true};
}

/// A machine whose kek is in its key file only, and opens in this boot.
class ApproveTest : public MachineTest {
 protected:
  void SetUp() override {
    ResetTo({7, 8});
    EnrollKek(kek_);
  }

  static void Extend(unsigned pcr) {
    Tpm tpm = ConnectTo(swtpm());
    ExtendPcr(tpm, pcr, Sha256Bank());
  }
  /// A boot that measures into these.
  static void ResetTo(std::initializer_list<unsigned> pcrs) {
    swtpm().PowerCycle();
    for (unsigned pcr : pcrs) Extend(pcr);
  }

  [[nodiscard]] KeyFile File() const { return Must(store_.ReadKeyFile(kApprovedKek)); }
  [[nodiscard]] PolicyIndex Index() const { return File().slots.at(0).key.policy.index; }

  [[nodiscard]] Result<Secret> Open(const PcrSignatures& signatures = {}) const {
    Tpm tpm = ConnectTo(swtpm());
    return std::move(TRY(UnsealKek(tpm, File(), signatures)).kek);
  }
  void ExpectOpens() const { EXPECT_TRUE(Must(Open()).Equals(kek_)); }

  void CloseTheLatch() const {
    TpmConnection tpm(environment_.tpm_device);
    ASSERT_THAT(CloseLatches(environment_, tpm), testing::IsEmpty());
  }

  void Hold() const { Must(HoldUpdateKey(environment_, File(), kek_)); }

  [[nodiscard]] Result<ApproveReport> Run(const ApprovalChange& change,
                                          const Questions& questions = {}) const {
    return Approve(environment_, kApprovedKek, change, questions);
  }
  [[nodiscard]] bool Writes(const ApprovalChange& change) const {
    return Must(Run(change)).written;
  }

  [[nodiscard]] Result<std::optional<Approval>> Approved() const {
    Tpm tpm = ConnectTo(swtpm());
    return ReadApproval(tpm, File().slots.at(0));
  }

  void RemoveTheIndex() const {
    Tpm tpm = ConnectTo(swtpm());
    Must(RemoveIndex(tpm, Index().area));
  }

  const Secret kek_ = SampleSecret(32);
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_APPROVE_TEST_H_
