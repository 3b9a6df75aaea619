#include "src/os/tpm_device.h"

#include <ctime>

#include "src/os/file.h"

namespace nvunlock {

static bool HasTpmDevice(const std::string& sysfs_root) {
  Result<std::vector<std::string>> devices = ListDirectory(sysfs_root + "/class/tpmrm");
  return devices && !devices->empty() && Exists("/dev/" + devices->front());
}

void AwaitTpmDevice(const std::string& sysfs_root, unsigned seconds) {
  constexpr unsigned kPollsPerSecond = 20;
  if (!Exists(sysfs_root + "/firmware/acpi/tables/TPM2")) return;
  for (unsigned i = 0; i < seconds * kPollsPerSecond && !HasTpmDevice(sysfs_root); i++) {
    timespec pause = {.tv_sec = 0, .tv_nsec = 1000000000L / kPollsPerSecond};
    nanosleep(&pause, nullptr);
  }
}

}  // namespace nvunlock
