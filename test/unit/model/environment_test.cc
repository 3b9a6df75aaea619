// SPDX-License-Identifier: Apache-2.0
#include "src/model/environment.h"

#include <gmock/gmock.h>

namespace nvunlock {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::StartsWith;

TEST(EnvironmentTest, TheWorldIsTheUsualOneBelowNoRoot) {
  Environment environment = EnvironmentBelow("");
  EXPECT_EQ(environment.sysfs_root, "/sys");
  EXPECT_EQ(environment.keys_dir, "/etc/ndctl/keys");
  EXPECT_EQ(environment.config_dir, "/etc/nvunlock");
  EXPECT_EQ(environment.run_dir, "/run/nvunlock");
  EXPECT_EQ(environment.image_facts, "/etc/nvunlock/image");
  EXPECT_EQ(environment.event_log, "/sys/kernel/security/tpm0/binary_bios_measurements");
  EXPECT_THAT(environment.boot_dirs, ElementsAre("/boot", "/efi"));
  EXPECT_EQ(environment.modules_dir, "");
  EXPECT_EQ(environment.tpm_device, "auto");
  EXPECT_EQ(environment.keyring, KEY_SPEC_USER_KEYRING);
}

TEST(EnvironmentTest, ModprobeDirectoriesAreInTheOrderOfModprobeD) {
  EXPECT_THAT(EnvironmentBelow("").modprobe_dirs,
              ElementsAre("/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d",
                          "/usr/lib/modprobe.d", "/lib/modprobe.d"));
}

TEST(EnvironmentTest, SignaturesAreWhereSystemdPutsThem) {
  EXPECT_THAT(
      EnvironmentBelow("").signature_files,
      ElementsAre("/.extra/tpm2-pcr-signature.json", "/run/nvunlock/tpm2-pcr-signature.json",
                  "/etc/systemd/tpm2-pcr-signature.json", "/run/systemd/tpm2-pcr-signature.json",
                  "/usr/local/lib/systemd/tpm2-pcr-signature.json",
                  "/usr/lib/systemd/tpm2-pcr-signature.json"));
}

TEST(EnvironmentTest, EverythingMovesBelowARoot) {
  Environment environment = EnvironmentBelow("/world");
  for (const std::string& path :
       {environment.sysfs_root, environment.keys_dir, environment.config_dir, environment.run_dir,
        environment.image_facts, environment.stub_dir, environment.event_log,
        environment.modules_dir, environment.fstab}) {
    EXPECT_THAT(path, StartsWith("/world/"));
  }
  for (const auto& paths : {environment.modprobe_dirs, environment.signature_files,
                            environment.boot_dirs, environment.resume_files}) {
    EXPECT_THAT(paths, Each(StartsWith("/world/")));
  }
}

}  // namespace
}  // namespace nvunlock
