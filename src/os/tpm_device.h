// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_OS_TPM_DEVICE_H_
#define NVUNLOCK_OS_TPM_DEVICE_H_

#include <string>

#include "src/base/result.h"

namespace nvunlock {

/// Where to look for a TPM, and where for its driver.
struct TpmPlaces {
  std::string sysfs_root;
  std::string modules_dir;  ///< as for Modules::Open
};

/// Whether the firmware describes a TPM 2.0 (its ACPI table).
bool TpmIsDescribed(const std::string& sysfs_root);

/// Waits until the kernel has a TPM device, for SECONDS at most, and only where the firmware
/// describes a TPM 2.0. Until one is there it loads the drivers that claim the
/// machine's ACPI devices, and then the usual ones, in a process of its own: what a driver does to
/// start a chip can take for ever. Fails with kTpmNotReady, and says what became of the drivers.
Result<void> AwaitTpmDevice(const TpmPlaces& places, unsigned seconds);

}  // namespace nvunlock

#endif  // NVUNLOCK_OS_TPM_DEVICE_H_
