// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_MODULE_TREE_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_MODULE_TREE_H_

#include <sys/utsname.h>

#include <string>
#include <vector>

#include "test/unit/support/commands.h"
#include "test/unit/support/temporary_directory.h"

namespace nvunlock {

/// Makes the modules directory of the running kernel's version below DIRECTORY, as depmod(8) does
/// for a kernel with these modules built in. Returns its path.
inline std::string MakeModuleTree(const TemporaryDirectory& directory,
                                  const std::vector<std::string>& built_in) {
  struct utsname kernel = {};
  uname(&kernel);
  std::string modules = std::string("lib/modules/") + kernel.release;
  std::string list;
  for (const std::string& name : built_in) list += "kernel/drivers/" + name + ".ko\n";
  directory.Write(modules + "/modules.builtin", list);
  directory.Write(modules + "/modules.order", "");
  RunCommand("depmod -b " + directory.path() + " " + kernel.release);
  return directory.PathOf(modules);
}

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_MODULE_TREE_H_
