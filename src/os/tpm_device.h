#ifndef NVUNLOCK_OS_TPM_DEVICE_H_
#define NVUNLOCK_OS_TPM_DEVICE_H_

#include <string>

namespace nvunlock {

/// Waits until the kernel has a TPM device, for SECONDS at most, and only where the firmware
/// describes a TPM 2.0 (its ACPI table): a driver may be a module or take its time.
void AwaitTpmDevice(const std::string& sysfs_root, unsigned seconds);

}  // namespace nvunlock

#endif  // NVUNLOCK_OS_TPM_DEVICE_H_
