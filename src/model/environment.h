// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_MODEL_ENVIRONMENT_H_
#define NVUNLOCK_MODEL_ENVIRONMENT_H_

#include <keyutils.h>

#include <string>
#include <vector>

namespace nvunlock {

/// Where everything outside of the process is. Documented options move it, so that tests run in a
/// world of their own; environment variables cannot, since root runs this at boot.
struct Environment {
  std::string host;  ///< the machine's name, whose blobs come first
  std::string root;  ///< what the others are below of, unless an option has moved them
  std::string sysfs_root;
  std::string keys_dir;
  std::string config_dir;
  std::string run_dir;
  std::string kernel_command_line;           ///< /proc/cmdline
  std::string image_facts;                   ///< what an initramfs says of itself; only there
  std::string stub_dir;                      ///< where systemd-stub leaves what it hands over
  std::vector<std::string> signature_files;  ///< PCR signatures; those that exist are all used
  std::string event_log;                     ///< of the firmware, as the kernel passes it on
  std::vector<std::string> boot_dirs;        ///< where initramfs images and UKIs lie
  std::string fstab;                         ///< says what is to be mounted there
  std::vector<std::string> resume_files;     ///< by which the kernel is asked to resume
  std::string modules_dir;                   ///< empty: those of the running kernel
  std::vector<std::string> modprobe_dirs;    ///< in modprobe.d(5)'s order, strongest first
  std::string tpm_device = "auto";
  key_serial_t keyring = KEY_SPEC_USER_KEYRING;
};

/// The usual places, below ROOT; ROOT is empty but in tests.
Environment EnvironmentBelow(const std::string& root);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_ENVIRONMENT_H_
