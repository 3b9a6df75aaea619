// SPDX-License-Identifier: Apache-2.0
// A policy index, and what its owner, another update key or somebody on the bus make of it.
#include "tpm/policy_index.h"

#include <gmock/gmock.h>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/nv_indexes.h"
#include "test/unit/support/recording_proxy.h"
#include "test/unit/support/sealing_tpm.h"

namespace nvunlock {
namespace {

using testing::Not;

class PolicyIndexTest : public SwtpmTest {
 protected:
  static SealingTpm Us() { return SealingTpm(swtpm().device()); }

  /// What the TPM makes of INDEX once what is approved now was asserted.
  static Result<void> Assert(SealingTpm& us, const PolicyIndex& index) {
    TpmObject session = Must(StartPolicySession(us.tpm, us.parent));
    Must(AssertApproval(us.tpm, session.tr(), us.ApprovalOfNow(), {}));
    return AssertPolicyIndex(us.tpm, session.tr(), index);
  }

  static Result<Bytes> Read(SealingTpm& us, const PolicyIndex& index) {
    TpmObject session = Must(StartSession(us.tpm, us.parent, TPM2_SE_HMAC, 0));
    return ReadPolicyIndex(us.tpm, session.tr(), index);
  }

  static Result<void> Write(SealingTpm& us, const PolicyIndex& index, const UpdateKey& key,
                            const Approval& approval) {
    return WriteIndex(us.tpm, us.parent, index.area, key, Must(EncodeApproval(approval)));
  }

  /// APPROVAL as an index holds it, with zeros behind.
  static Bytes Filled(const Approval& approval) {
    Bytes contents = Must(EncodeApproval(approval));
    contents.resize(kPolicyIndexSize);
    return contents;
  }

  /// Tries to write what is approved now in all ways in which an owner can. Returns how many TPM
  /// commands succeeded.
  static int WriteAsOwner(SealingTpm& us, const PolicyIndex& index) {
    TPM2B_MAX_NV_BUFFER value = {.size = kPolicyIndexSize, .buffer = {}};
    std::ranges::copy(Filled(us.ApprovalOfNow()), value.buffer);
    ESYS_TR tr = ESYS_TR_NONE;
    Esys_TR_FromTPMPublic(us.tpm.esys(), index.area.nvPublic.nvIndex, ESYS_TR_NONE, ESYS_TR_NONE,
                          ESYS_TR_NONE, &tr);
    TpmObject empty = Must(StartSession(us.tpm, ESYS_TR_NONE, TPM2_SE_POLICY, 0));
    int succeeded = 0;
    for (auto [authority, session] :
         {std::pair(ESYS_TR{ESYS_TR_RH_OWNER}, ESYS_TR{ESYS_TR_PASSWORD}),
          std::pair(tr, ESYS_TR{ESYS_TR_PASSWORD}), std::pair(tr, empty.tr())}) {
      TSS2_RC rc = Esys_NV_Write(us.tpm.esys(), authority, tr, session, ESYS_TR_NONE, ESYS_TR_NONE,
                                 &value, 0);
      succeeded += rc == TSS2_RC_SUCCESS ? 1 : 0;
    }
    return succeeded;
  }
};

TEST_F(PolicyIndexTest, HoldsWhatWasWrittenLast) {
  SealingTpm us = Us();
  PolicyIndex index = us.MakeIndex(SampleApproval());
  EXPECT_THAT(Read(us, index), Yields(Filled(SampleApproval())));
  us.Approve(index, us.ApprovalOfNow());
  EXPECT_THAT(Read(us, index), Yields(Filled(us.ApprovalOfNow())));
  EXPECT_THAT(ReadPolicyIndex(us.tpm, ESYS_TR_PASSWORD, index), Yields(Filled(us.ApprovalOfNow())));
}

TEST_F(PolicyIndexTest, AuthorizesWhatItHoldsAndNothingElse) {
  SealingTpm us = Us();
  PolicyIndex index = us.MakeIndex(SampleApproval());
  EXPECT_THAT(Assert(us, index), FailsWith(Errc::kPolicyMismatch, "not what was approved"));
  us.Approve(index, us.ApprovalOfNow());
  EXPECT_THAT(Assert(us, index), Succeeds());
}

TEST_F(PolicyIndexTest, TheSoftwareDigestIsTheTpms) {
  SealingTpm us = Us();
  PolicyIndex index = us.MakeIndex(us.ApprovalOfNow());
  TpmObject session = Must(StartPolicySession(us.tpm, us.parent));
  Must(AssertApproval(us.tpm, session.tr(), us.ApprovalOfNow(), {}));
  Must(AssertPolicyIndex(us.tpm, session.tr(), index));
  EXPECT_EQ(us.DigestIn(session), Copy(DigestOf(index)));
}

TEST_F(PolicyIndexTest, OutlivesAPowerCycle) {
  PolicyIndex index;
  Bytes before;
  {
    SealingTpm us = Us();
    index = us.MakeIndex(us.ApprovalOfNow(1U << 16));
    before = Must(Read(us, index));
  }
  swtpm().PowerCycle();
  SealingTpm us = Us();
  EXPECT_THAT(Read(us, index), Yields(before));
}

TEST_F(PolicyIndexTest, TwoIndexesAreAtTwoHandles) {
  SealingTpm us = Us();
  PolicyIndex one = us.MakeIndex(us.ApprovalOfNow());
  PolicyIndex other = us.MakeIndex(SampleApproval());
  EXPECT_NE(one.area.nvPublic.nvIndex, other.area.nvPublic.nvIndex);
  EXPECT_THAT(Assert(us, one), Succeeds());
  EXPECT_THAT(Assert(us, other), FailsWith(Errc::kPolicyMismatch));
}

TEST_F(PolicyIndexTest, NobodyWritesItButTheUpdateKey) {
  SealingTpm us = Us();
  PolicyIndex index = us.MakeIndex(SampleApproval());
  UpdateKey other = Must(UpdateKey::Generate());
  EXPECT_THAT(Write(us, index, other, us.ApprovalOfNow()), Not(Succeeds()));
  EXPECT_EQ(WriteAsOwner(us, index), 0);
  EXPECT_THAT(Read(us, index), Yields(Filled(SampleApproval())));
  EXPECT_THAT(Assert(us, index), FailsWith(Errc::kPolicyMismatch));
}

/// An attacker who owns the TPM removes the index and makes it anew, just as it was.
TEST_F(PolicyIndexTest, AnIndexThatIsMadeAnewAuthorizesNothing) {
  SealingTpm us = Us();
  PolicyIndex index = us.MakeIndex(us.ApprovalOfNow());
  UndefineIndex(us.tpm, index.area.nvPublic.nvIndex);
  EXPECT_THAT(Assert(us, index), FailsWith(Errc::kLatchGone));
  EXPECT_THAT(Read(us, index), FailsWith(Errc::kLatchGone));
  EXPECT_THAT(CheckIndex(us.tpm, index.area), FailsWith(Errc::kLatchGone));
  Must(RedefineIndex(us.tpm, index.area));
  EXPECT_THAT(Assert(us, index), FailsWith(Errc::kLatchGone));
  EXPECT_THAT(Read(us, index), FailsWith(Errc::kLatchGone));
  EXPECT_EQ(WriteAsOwner(us, index), 0);
  UpdateKey other = Must(UpdateKey::Generate());
  EXPECT_THAT(Write(us, index, other, us.ApprovalOfNow()), Not(Succeeds()));
  EXPECT_THAT(Assert(us, index), FailsWith(Errc::kLatchGone));
}

/// With an authorization of their own it is another index, though at the same place.
TEST_F(PolicyIndexTest, AnIndexOfAnotherUpdateKeyInItsPlaceAuthorizesNothing) {
  SealingTpm us = Us();
  const Policy policy = us.MakePolicy(SampleApproval());
  const PolicyIndex& index = policy.index;
  SealedObject sealed = us.SealUnder(policy, SampleSecret(32));
  UndefineIndex(us.tpm, index.area.nvPublic.nvIndex);
  UpdateKey theirs = Must(UpdateKey::Generate());
  PolicyIndex impostor = {.area = Must(DefineIndex(us.tpm, theirs, kPolicyIndexSize, 0))};
  ASSERT_EQ(impostor.area.nvPublic.nvIndex, index.area.nvPublic.nvIndex);
  Must(Write(us, impostor, theirs, us.ApprovalOfNow()));
  EXPECT_THAT(Assert(us, impostor), Succeeds());
  EXPECT_THAT(Unseal(us.tpm, us.parent, sealed, policy), FailsWith(Errc::kLatchGone));
  EXPECT_THAT(Read(us, index), FailsWith(Errc::kLatchGone));
  EXPECT_THAT(CheckIndex(us.tpm, index.area), FailsWith(Errc::kLatchGone));
  EXPECT_THAT(Write(us, index, us.key, us.ApprovalOfNow()), FailsWith(Errc::kLatchGone));
  EXPECT_THAT(RemoveIndex(us.tpm, index.area), FailsWith(Errc::kLatchGone));
}

TEST_F(PolicyIndexTest, MadeAnewAndWrittenWithTheKeptKeyItIsAsBefore) {
  SealingTpm us = Us();
  Policy policy = us.PolicyOfNow();
  SealedObject sealed = us.SealUnder(policy, SampleSecret(32));
  Bytes name = NameOfIndex(policy.index.area);
  UndefineIndex(us.tpm, policy.index.area.nvPublic.nvIndex);
  EXPECT_THAT(Unseal(us.tpm, us.parent, sealed, policy), FailsWith(Errc::kLatchGone));
  Must(RedefineIndex(us.tpm, policy.index.area));
  UpdateKey kept = Must(UpdateKey::Import(Must(us.key.Export())));
  Must(Write(us, policy.index, kept, us.ApprovalOfNow()));
  EXPECT_EQ(NameOfIndex(policy.index.area), name);
  EXPECT_TRUE(Must(Unseal(us.tpm, us.parent, sealed, policy)).secret.Equals(SampleSecret(32)));
}

TEST_F(PolicyIndexTest, AnIndexThatWasRemovedIsGone) {
  SealingTpm us = Us();
  PolicyIndex index = us.MakeIndex(us.ApprovalOfNow());
  size_t before = CountNvIndexes(us.tpm);
  EXPECT_THAT(RemoveIndex(us.tpm, index.area), Succeeds());
  EXPECT_EQ(CountNvIndexes(us.tpm), before - 1);
  EXPECT_THAT(RemoveIndex(us.tpm, index.area), FailsWith(Errc::kLatchGone));
}

TEST_F(PolicyIndexTest, MoreThanItHoldsIsNotWritten) {
  SealingTpm us = Us();
  PolicyIndex index = us.MakeIndex(SampleApproval());
  EXPECT_THAT(WriteIndex(us.tpm, us.parent, index.area, us.key, Bytes(kPolicyIndexSize + 1)),
              FailsWith(Errc::kFailed, "more than the NV index holds"));
  EXPECT_THAT(Read(us, index), Yields(Filled(SampleApproval())));
}

TEST_F(PolicyIndexTest, ATpmThatHasTheCommandIsSupported) {
  SealingTpm us = Us();
  EXPECT_THAT(CheckAuthorizesByNv(us.tpm), Succeeds());
}

/// Somebody on the bus answers for the TPM. What they say of the contents of an index may mislead
/// an assertion, which the TPM judges; but not whoever shows or changes what is approved.
class ForgedAnswerTest : public PolicyIndexTest {
 protected:
  void SetUp() override {
    SealingTpm us = Us();
    srk_ = us.srk;
    index_ = us.MakeIndex(SampleApproval());
    exported_.emplace(Must(us.key.Export()));
  }

  /// What DO_IT makes of a bus on which answers to COMMAND end otherwise.
  template <typename Function>
  auto OverBadBus(uint32_t command, Function do_it) {
    RecordingProxy proxy(swtpm(), [=](uint32_t asked, Bytes& response) {
      if (asked == command) response.back() ^= 1;
    });
    Tpm tpm = Must(Tpm::Connect(proxy.device()));
    ESYS_TR parent = Must(PinParent(tpm, kSrkHandle, srk_));
    return do_it(tpm, parent);
  }

  TPM2B_PUBLIC srk_ = {};
  PolicyIndex index_;
  std::optional<Secret> exported_;
};

TEST_F(ForgedAnswerTest, ThatItIsWrittenIsNotBelieved) {
  auto write = [&](Tpm& tpm, ESYS_TR parent) {
    UpdateKey key = Must(UpdateKey::Import(*exported_));
    return WriteIndex(tpm, parent, index_.area, key, Bytes(10));
  };
  EXPECT_THAT(OverBadBus(TPM2_CC_NV_Write, write), FailsWith(Errc::kWrongTpm, "not authentic"));
}

TEST_F(ForgedAnswerTest, OfWhatItHoldsIsNotBelieved) {
  auto read = [&](Tpm& tpm, ESYS_TR parent) -> Result<Bytes> {
    TpmObject session = Must(StartSession(tpm, parent, TPM2_SE_HMAC, 0));
    return ReadPolicyIndex(tpm, session.tr(), index_);
  };
  EXPECT_THAT(OverBadBus(TPM2_CC_NV_Read, read), FailsWith(Errc::kWrongTpm, "not authentic"));
}

TEST(PolicyIndexSupportTest, ATpmWithoutTheCommandIsNotSupported) {
  // TPM2_PolicyAuthorizeNV is the last command code of revision 1.38: the next one is another.
  FakeTpm old([](const Bytes&) {
    return FakeTpm::Pieces{MakeResponse(TPM2_ST_NO_SESSIONS, 0, Hex("00000000020000000100000193"))};
  });
  Tpm tpm = Must(Tpm::Connect(old.device()));
  EXPECT_THAT(CheckAuthorizesByNv(tpm),
              FailsWith(Errc::kUnsupported, "lacks TPM2_PolicyAuthorizeNV"));
}

TEST_F(PolicyIndexTest, ATpmWithoutRoomForItIsNotSupported) {
  RecordingProxy proxy(swtpm(), {}, [](uint32_t command) -> std::optional<uint32_t> {
    if (command != TPM2_CC_NV_DefineSpace) return std::nullopt;
    return TPM2_RC_NV_SPACE;
  });
  SealingTpm us(proxy.device());
  EXPECT_THAT(DefineIndex(us.tpm, us.key, kPolicyIndexSize, 0),
              FailsWith(Errc::kUnsupported, "the TPM has no room for it; remove one"));
  EXPECT_THAT(MakeNvLatch(us.tpm, us.parent), FailsWith(Errc::kUnsupported));
}

}  // namespace
}  // namespace nvunlock
