// SPDX-License-Identifier: Apache-2.0
// Who may approve: whoever has the update key, or the kek. And what becomes of an index that is
// gone.
#include "test/unit/support/approve_test.h"
#include "test/unit/support/nv_indexes.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class ApproveKeysTest : public ApproveTest {};

TEST_F(ApproveKeysTest, AHeldKeyWorksWithoutTheKek) {
  Hold();
  CloseTheLatch();
  EXPECT_TRUE(Writes(kNextBoot));
  EXPECT_FALSE(HoldsKey("user", "nvdimm-master"));
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed));
  ResetTo({7});
  ExpectOpens();
}

TEST_F(ApproveKeysTest, WithoutAHeldKeyTheKekInTheKeyringWillDo) {
  CloseTheLatch();
  (void)Must(keyring().AddUser("nvdimm-master", SampleSecret(32, 9).bytes()));
  EXPECT_THAT(Run(kNextBoot), FailsWith(Errc::kLatchClosed));
  (void)Must(keyring().AddUser("nvdimm-master", kek_.bytes()));
  EXPECT_TRUE(Writes(kNextBoot));
}

TEST_F(ApproveKeysTest, WhatIsHeldButIsNoKeyIsPassedOver) {
  (void)Must(keyring().AddUser("nvunlock-update:nvdimm-master", Bytes(97, 1)));
  EXPECT_TRUE(Writes(kNextBoot));
}

TEST_F(ApproveKeysTest, ALatchThatIsGoneIsNoted) {
  Hold();
  {
    Tpm tpm = ConnectTo(swtpm());
    Must(RemoveIndex(tpm, File().slots.at(0).key.policy.latch.index));
  }
  EXPECT_THAT(Must(Run(kNextBoot)).notes, ElementsAre(HasSubstr("run 'nvunlock reseal'")));
}

TEST_F(ApproveKeysTest, WithoutAHeldKeyTheTpmIsAskedForTheKek) {
  EXPECT_TRUE(Writes(kNextBoot));
  EXPECT_FALSE(HoldsKey("user", "nvdimm-master")) << "and it is not left anywhere";
  EXPECT_FALSE(Must(FindHeldUpdateKey(environment_, kApprovedKek)));
}

TEST_F(ApproveKeysTest, WhereTheTpmDoesNotYieldTheKekTheRecoveryKeyDoes) {
  KeyFile file = File();
  file.recovery.push_back(Must(MakeKeySlot(kek_, SampleSecret(32))));
  WriteKeysFile("nvdimm-master.pem", Must(FormatKeyFile(file)));
  CloseTheLatch();
  std::vector<Errc> reasons;
  Questions questions;
  questions.recovery = [&](const KekName&, const Error& why) -> Result<Secret> {
    reasons.push_back(why.code);
    return FormatRecoveryKey(SampleSecret(32, reasons.size() == 1 ? 2 : 1));
  };
  EXPECT_THAT(Run(kNextBoot, questions), FailsWith(Errc::kKeysIncomplete));
  EXPECT_TRUE(Must(Run(kNextBoot, questions)).written);
  EXPECT_THAT(reasons, ElementsAre(Errc::kLatchClosed, Errc::kLatchClosed));
}

TEST_F(ApproveKeysTest, AnotherUpdateKeyCannot) {
  Approval before = **Approved();
  UpdateKey other = Must(UpdateKey::Generate());
  (void)Must(keyring().AddUser("nvunlock-update:nvdimm-master", Must(other.Export()).bytes()));
  EXPECT_FALSE(Run(kNextBoot));
  EXPECT_EQ(DigestOf(**Approved()), DigestOf(before));
  // Nor where it makes the index anew.
  RemoveTheIndex();
  EXPECT_FALSE(Run(Anew()));
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchGone));
}

TEST_F(ApproveKeysTest, AnIndexThatIsGoneIsMadeAnewAndOpensAgain) {
  Hold();
  RemoveTheIndex();
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchGone));
  EXPECT_THAT(Run(kNextBoot), FailsWith(Errc::kLatchGone, "'nvunlock approve --now'"));
  ApproveReport report = Must(Run(Anew()));
  EXPECT_TRUE(report.written);
  EXPECT_THAT(report.notes, Contains(HasSubstr("was made anew")));
  ExpectOpens();
}

/// A power cut between the two steps of that leaves it so.
TEST_F(ApproveKeysTest, AnIndexThatWasMadeAnewButNotWrittenIsWritten) {
  Hold();
  {
    Tpm tpm = ConnectTo(swtpm());
    TPM2B_NV_PUBLIC area = Index().area;
    UndefineIndex(tpm, area.nvPublic.nvIndex);
    Must(RedefineIndex(tpm, area));
  }
  EXPECT_THAT(Approved(), Succeeds());
  EXPECT_FALSE(*Approved());
  EXPECT_TRUE(Writes(Anew()));
  ExpectOpens();
}

TEST_F(ApproveKeysTest, ALatchThatIsClosedStaysSoWhenTheIndexIsMadeAnew) {
  Hold();
  CloseTheLatch();
  RemoveTheIndex();
  EXPECT_TRUE(Writes(Anew()));
  EXPECT_THAT(Open(), FailsWith(Errc::kLatchClosed));
}

TEST_F(ApproveKeysTest, WhatAnotherVersionApprovedIsNotChangedButReplaced) {
  Hold();
  {
    Tpm tpm = ConnectTo(swtpm());
    const TpmSlot slot = File().slots[0];
    ESYS_TR parent = Must(PinParent(tpm, slot.key.parent_handle, slot.parent));
    UpdateKey key = *Must(FindHeldUpdateKey(environment_, kApprovedKek));
    Must(WriteIndex(tpm, parent, Index().area, key, Bytes(50, 1)));
  }
  EXPECT_THAT(Open(), FailsWith(Errc::kBadKeyFile, "that this version knows"));
  EXPECT_FALSE(*Approved());
  EXPECT_THAT(Run(kNextBoot), FailsWith(Errc::kLatchGone));
}

}  // namespace
}  // namespace nvunlock
