// SPDX-License-Identifier: Apache-2.0
#include "src/os/modules.h"

#include <gtest/gtest.h>

#include "test/unit/support/module_tree.h"
#include "test/unit/support/results.h"

namespace nvunlock {
namespace {

class ModulesTest : public testing::Test {
 protected:
  TemporaryDirectory directory_;
};

TEST_F(ModulesTest, WhatIsBuiltInNeedsNoLoading) {
  Modules modules = Must(Modules::Open(MakeModuleTree(directory_, {"libnvdimm"})));
  EXPECT_THAT(modules.Load("libnvdimm"), Succeeds());
  EXPECT_THAT(modules.Load("libnvdimm", "key_revalidate=0"), Succeeds());
}

TEST_F(ModulesTest, AModuleThatIsNotInstalledIsNamed) {
  Modules modules = Must(Modules::Open(MakeModuleTree(directory_, {"libnvdimm"})));
  EXPECT_THAT(modules.Load("no_such_module"),
              FailsWith(Errc::kFailed, "module no_such_module is not installed"));
}

TEST_F(ModulesTest, AMissingDirectoryIsAnError) {
  Result<Modules> modules = Modules::Open(directory_.PathOf("missing"));
  if (modules) {
    EXPECT_THAT(modules->Load("no_such_module"), FailsWith(Errc::kFailed, "no_such_module"));
  } else {
    EXPECT_THAT(modules, FailsWith(Errc::kFailed));
  }
}

TEST_F(ModulesTest, WhatTheKernelDoesNotTakeIsNamedByItsPath) {
  std::string tree = MakeModuleTree(directory_, {});
  std::string module = tree + "/no_such_module.ko";
  RunCommand("echo | gcc -c -x c - -o " + module + " && depmod -b " + directory_.path() + " " +
             std::filesystem::path(tree).filename().string());
  Modules modules = Must(Modules::Open(tree));
  EXPECT_THAT(modules.Load("no_such_module"), FailsWith(Errc::kFailed, module));
}

}  // namespace
}  // namespace nvunlock
