// SPDX-License-Identifier: Apache-2.0
#include "src/records/unlearnt.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "test/unit/support/results.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {
namespace {

using testing::ElementsAre;

const KekName kMasterKek = {"user", "nvdimm-master"};
const KekName kRackKek = {"user", "rack7"};

class UnlearntTest : public testing::Test {
 protected:
  [[nodiscard]] std::vector<KekName> Read() const { return Must(ReadUnlearnt(environment_)); }

  TemporaryDirectory directory_;
  Environment environment_ = EnvironmentBelow(directory_.path());
};

TEST_F(UnlearntTest, KeksAreAddedOnceEach) {
  EXPECT_THAT(Read(), ElementsAre());
  for (const KekName& kek : {kMasterKek, kRackKek, kMasterKek}) {
    ASSERT_THAT(RecordUnlearnt(environment_, kek), Succeeds());
  }
  EXPECT_THAT(Read(), ElementsAre(kMasterKek, kRackKek));
}

TEST_F(UnlearntTest, TheFileIsForItsOwnerOnly) {
  Must(RecordUnlearnt(environment_, kMasterKek));
  struct stat status = {};
  ASSERT_EQ(stat(directory_.PathOf("run/nvunlock/learn").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
}

TEST_F(UnlearntTest, ForgottenTheyAreNoMore) {
  Must(RecordUnlearnt(environment_, kMasterKek));
  ASSERT_THAT(ForgetUnlearnt(environment_), Succeeds());
  EXPECT_FALSE(directory_.Holds("run/nvunlock/learn"));
  EXPECT_THAT(Read(), ElementsAre());
}

TEST_F(UnlearntTest, ADamagedFileIsNoEmptyOne) {
  directory_.Write("run/nvunlock/learn", "user:nvdimm-master\nuser:../x\n");
  EXPECT_THAT(ReadUnlearnt(environment_), FailsWith(Errc::kFailed, "learn"));
}

}  // namespace
}  // namespace nvunlock
