// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_SEAL_CHOOSE_PCRS_H_
#define NVUNLOCK_SEAL_CHOOSE_PCRS_H_

#include "src/base/result.h"
#include "src/model/pcr_terms.h"
#include "tpm/pcr.h"

namespace nvunlock {

/// The PCRs that cover firmware policy, boot loader, kernel, initramfs and command line on a
/// machine that booted with CURRENT: 4+7+11+12 where systemd-stub has measured a UKI, 4+7+8+9 for
/// GRUB, 4+7+9+12 for systemd-boot. Fails when no boot loader has measured anything.
Result<PcrTerms> ChoosePcrs(const PcrBank& bank, const PcrValues& current);

/// What else is known of a boot besides its PCRs.
struct BootFacts {
  bool secure_boot = false;
  bool by_stub = false;  ///< systemd-stub has measured a UKI
};

/// Fails, and says what to add, unless a policy on VALUES depends on the initramfs and on the
/// kernel command line. With Secure Boot off PCRs 7, 8 and 12 say nothing by themselves: a thief's
/// boot loader measures into them what it likes.
Result<void> CheckCoversBoot(const PcrValues& values, const BootFacts& facts);

/// Whether Secure Boot is on, as the firmware tells the kernel below SYSFS_ROOT.
bool SecureBootIsOn(const std::string& sysfs_root);

}  // namespace nvunlock

#endif  // NVUNLOCK_SEAL_CHOOSE_PCRS_H_
