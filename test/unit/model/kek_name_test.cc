// SPDX-License-Identifier: Apache-2.0
#include "src/model/kek_name.h"

#include <gtest/gtest.h>

#include "test/unit/support/results.h"

namespace nvunlock {
namespace {

TEST(KekNameTest, IsTypeAndDescription) {
  KekName name = Must(ParseKekName("user:nvdimm-master"));
  EXPECT_EQ(name.type, "user");
  EXPECT_EQ(name.description, "nvdimm-master");
  EXPECT_EQ(name.ToString(), "user:nvdimm-master");
  EXPECT_THAT(ParseKekName("trusted:kek"), Yields(KekName{"trusted", "kek"}));
}

TEST(KekNameTest, NamesItsFiles) {
  KekName name = {"user", "nvdimm-master"};
  EXPECT_EQ(name.KeyFileName(), "nvdimm-master.pem");
  EXPECT_EQ(name.ClearFileName(), "nvdimm-master.blob");
}

TEST(KekNameTest, TheDescriptionMayHoldWhatAFileNameMay) {
  for (const char* name : {"user:a", "user:rack-7_slot.3", "user:~!@#$%^&*()+=,;", "user:-"}) {
    EXPECT_THAT(ParseKekName(name), Succeeds()) << name;
  }
  EXPECT_THAT(ParseKekName("user:" + std::string(200, 'x')), Succeeds());
}

TEST(KekNameTest, OtherTypesAreRefused) {
  for (const char* name :
       {"", "user", "nvdimm-master", "logon:x", "encrypted:x", ":x", "USER:x", " user:x"}) {
    EXPECT_THAT(ParseKekName(name), FailsWith(Errc::kFailed, "is not a kek name")) << name;
  }
}

TEST(KekNameTest, WhatCannotBeAFileNameIsRefused) {
  for (const char* name :
       {"user:", "user:.", "user:..", "user:.hidden", "user:a/b", "user:../x", "user:a b",
        "user:a\tb", "user:a\nb", "user:a:b", "user:\x7f", "user:\xc3\xa4"}) {
    EXPECT_THAT(ParseKekName(name), FailsWith(Errc::kFailed, "cannot be a file name")) << name;
  }
  EXPECT_THAT(ParseKekName("user:" + std::string(201, 'x')), FailsWith(Errc::kFailed));
  EXPECT_THAT(ParseKekName(std::string("user:a\0b", 8)), FailsWith(Errc::kFailed));
}

}  // namespace
}  // namespace nvunlock
