// SPDX-License-Identifier: Apache-2.0
#include "src/model/environment.h"

#include <sys/utsname.h>

#include "src/os/process.h"

namespace nvunlock {
namespace {

std::string ModulesBelow(const std::string& root) {
  struct utsname kernel;
  if (root.empty() || uname(&kernel) != 0) return "";
  return root + "/lib/modules/" + kernel.release;
}

}  // namespace

Environment EnvironmentBelow(const std::string& root) {
  Environment environment;
  environment.host = HostName();
  environment.root = root;
  environment.sysfs_root = root + "/sys";
  environment.keys_dir = root + "/etc/ndctl/keys";
  environment.config_dir = root + "/etc/nvunlock";
  environment.run_dir = root + "/run/nvunlock";
  environment.kernel_command_line = root + "/proc/cmdline";
  environment.image_facts = root + "/etc/nvunlock/image";
  environment.stub_dir = root + "/.extra";
  for (const char* directory : {"/.extra", "/run/nvunlock", "/etc/systemd", "/run/systemd",
                                "/usr/local/lib/systemd", "/usr/lib/systemd"}) {
    environment.signature_files.push_back(root + directory + "/tpm2-pcr-signature.json");
  }
  environment.event_log = root + "/sys/kernel/security/tpm0/binary_bios_measurements";
  environment.boot_dirs = {root + "/boot", root + "/efi"};
  environment.resume_files = {root + "/sys/power/resume", root + "/dev/snapshot"};
  environment.fstab = root + "/etc/fstab";
  environment.modules_dir = ModulesBelow(root);
  for (const char* directory : {"/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"}) {
    environment.modprobe_dirs.push_back(root + directory + "/modprobe.d");
  }
  return environment;
}

}  // namespace nvunlock
