// SPDX-License-Identifier: Apache-2.0
#include "tpm/tpm.h"

#include <gtest/gtest.h>

#include <set>

#include "test/unit/support/byte_strings.h"
#include "test/unit/support/recording_proxy.h"
#include "test/unit/support/swtpm.h"
#include "tpm/sealed_object.h"
#include "tpm/session.h"
#include "tpm/srk.h"

namespace nvunlock {
namespace {

TEST(TpmConnectTest, SendsNothingYet) {
  Swtpm swtpm;
  RecordingProxy proxy(swtpm);
  EXPECT_THAT(Tpm::Connect(proxy.device()), Succeeds());
  EXPECT_TRUE(proxy.traffic().empty());
}

TEST(TpmConnectTest, WithoutATpmItFails) {
  EXPECT_THAT(Tpm::Connect("/nonexistent/tpm"), FailsWith(Errc::kNoTpm, "/nonexistent/tpm"));
}

class TpmTest : public SwtpmTest {
 protected:
  static ESYS_TR PinSrk(Tpm& tpm) {
    return Must(PinParent(tpm, kSrkHandle, Must(ProvisionSrk(tpm))));
  }
};

TEST_F(TpmTest, RandomBytesAreOfTheSizeAskedForAndDiffer) {
  Tpm tpm = ConnectTo(swtpm());
  TpmObject session = Must(StartHmacSession(tpm, PinSrk(tpm)));
  std::set<Bytes> seen;
  for (int i = 0; i < 4; i++) seen.insert(Must(tpm.GetRandom(32, session.tr())));
  EXPECT_EQ(seen.size(), 4U);
  EXPECT_EQ(Must(tpm.GetRandom(1, session.tr())).size(), 1U);
}

TEST_F(TpmTest, NobodyOnTheBusSeesRandomBytes) {
  RecordingProxy proxy(swtpm());
  Bytes hidden;
  Bytes plain;
  {
    Tpm tpm = Must(Tpm::Connect(proxy.device()));
    TpmObject session = Must(StartHmacSession(tpm, PinSrk(tpm)));
    hidden = Must(tpm.GetRandom(32, session.tr()));
    plain = Must(tpm.GetRandom(32, ESYS_TR_NONE));
  }
  EXPECT_FALSE(ContainsBytes(proxy.traffic(), hidden));
  EXPECT_TRUE(ContainsBytes(proxy.traffic(), plain));
}

TEST_F(TpmTest, SessionsDoNotPileUp) {
  Tpm tpm = ConnectTo(swtpm());
  ESYS_TR parent = PinSrk(tpm);
  for (int i = 0; i < 80; i++) ASSERT_THAT(StartHmacSession(tpm, parent), Succeeds()) << i;
}

}  // namespace
}  // namespace nvunlock
