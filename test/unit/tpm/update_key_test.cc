// SPDX-License-Identifier: Apache-2.0
#include "tpm/update_key.h"

#include <gmock/gmock.h>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/recording_proxy.h"
#include "test/unit/support/sealing_tpm.h"

namespace nvunlock {
namespace {

TEST(UpdateKeyTest, IsTheSameAfterExportAndImport) {
  UpdateKey key = Must(UpdateKey::Generate());
  Secret exported = Must(key.Export());
  UpdateKey imported = Must(UpdateKey::Import(exported));
  EXPECT_EQ(imported.WritePolicy(), key.WritePolicy());
  EXPECT_TRUE(Must(imported.Export()).Equals(exported));
}

TEST(UpdateKeyTest, EveryKeyIsAnother) {
  UpdateKey one = Must(UpdateKey::Generate());
  UpdateKey other = Must(UpdateKey::Generate());
  EXPECT_NE(one.WritePolicy(), other.WritePolicy());
  EXPECT_FALSE(Must(one.Export()).Equals(Must(other.Export())));
}

TEST(UpdateKeyTest, WhatIsDamagedIsNotImported) {
  Secret exported = Must(Must(UpdateKey::Generate()).Export());
  for (size_t i = 0; i < exported.size(); i++) {
    Secret damaged = SecretOf(ByteView(exported.bytes()));
    damaged.bytes()[i] ^= 1;
    EXPECT_THAT(UpdateKey::Import(damaged), FailsWith(Errc::kBadKeyFile)) << i;
  }
}

class UpdateKeyInTpmTest : public SwtpmTest {};

TEST_F(UpdateKeyInTpmTest, TheWritePolicyIsTheTpms) {
  SealingTpm us(swtpm().device());
  for (uint8_t command : {0, 1}) {
    TpmObject session = Must(us.key.Authorize(us.tpm, us.parent, Sha256Digest{command}));
    EXPECT_EQ(us.DigestIn(session), Copy(us.key.WritePolicy()));
  }
}

TEST_F(UpdateKeyInTpmTest, AnImportedKeyWritesWhatItsOriginalMade) {
  SealingTpm us(swtpm().device());
  PolicyIndex index = us.MakeIndex(us.ApprovalOfNow());
  UpdateKey imported = Must(UpdateKey::Import(Must(us.key.Export())));
  EXPECT_THAT(WriteIndex(us.tpm, us.parent, index.area, imported, Bytes(10)), Succeeds());
}

TEST_F(UpdateKeyInTpmTest, ManyAuthorizationsLeaveNothingInTheTpm) {
  SealingTpm us(swtpm().device());
  for (int i = 0; i < 10; i++) {
    EXPECT_THAT(us.key.Authorize(us.tpm, us.parent, Sha256Digest{}), Succeeds()) << i;
  }
}

/// Somebody on the bus who passes off the nonce of a session of theirs gets a signature for it.
class ForOneCommandTest : public UpdateKeyInTpmTest {
 protected:
  /// Writes VALUE to INDEX in a session in which the key has authorized the write of AUTHORIZED.
  static TSS2_RC Write(SealingTpm& us, const PolicyIndex& index, uint8_t authorized,
                       uint8_t value) {
    TpmObject session =
        Must(us.key.Authorize(us.tpm, us.parent, HashOf(index, BufferOf(authorized))));
    ESYS_TR tr = Must(PinIndex(us.tpm, index.area));
    TPM2B_MAX_NV_BUFFER buffer = BufferOf(value);
    TSS2_RC rc =
        Esys_NV_Write(us.tpm.esys(), tr, tr, session.tr(), ESYS_TR_NONE, ESYS_TR_NONE, &buffer, 0);
    Esys_TR_Close(us.tpm.esys(), &tr);
    return rc;
  }

 private:
  static TPM2B_MAX_NV_BUFFER BufferOf(uint8_t value) {
    TPM2B_MAX_NV_BUFFER buffer = {.size = kPolicyIndexSize, .buffer = {}};
    std::fill_n(buffer.buffer, buffer.size, value);
    return buffer;
  }

  /// cpHash of the TPM2_NV_Write (Part 1, section 16.7).
  static Sha256Digest HashOf(const PolicyIndex& index, const TPM2B_MAX_NV_BUFFER& buffer) {
    Bytes name = NameOfIndex(index.area);
    return Sha256({Hex("00000137"), name, name, BigEndian(buffer.size, 2),
                   ByteView(buffer.buffer, buffer.size), Hex("0000")});
  }
};

TEST_F(ForOneCommandTest, OnlyWhatWasAuthorizedIsWritten) {
  SealingTpm us(swtpm().device());
  PolicyIndex index = us.MakeIndex(us.ApprovalOfNow());
  EXPECT_NE(Write(us, index, 1, 2), TSS2_RC_SUCCESS);
  EXPECT_EQ(Write(us, index, 2, 2), TSS2_RC_SUCCESS);
}

TEST_F(UpdateKeyInTpmTest, ItsSecretHalfIsNotOnTheBus) {
  RecordingProxy proxy(swtpm());
  std::optional<Secret> exported;
  {
    SealingTpm us(proxy.device());
    exported.emplace(Must(us.key.Export()));
    us.Approve(us.MakeIndex(SampleApproval()), us.ApprovalOfNow());
  }
  EXPECT_FALSE(ContainsBytes(proxy.traffic(), exported->bytes().first(32)));
  // The public half is, so that the search finds what is there.
  EXPECT_TRUE(ContainsBytes(proxy.traffic(), exported->bytes().subspan(33, 32)));
}

}  // namespace
}  // namespace nvunlock
