// SPDX-License-Identifier: Apache-2.0
// Tested by test/cli/check_image.bats, test/cli/operation_keks.bats.
#ifndef NVUNLOCK_TERMINAL_IMAGE_OPTIONS_H_
#define NVUNLOCK_TERMINAL_IMAGE_OPTIONS_H_

#include "src/passphrase/change_passphrase.h"
#include "src/terminal/options.h"

namespace nvunlock {

/// --no-image. TARGET must outlive it.
Option NoImageOption(bool& target);

/// Brings the images of this machine up to date, as nvunlock.conf says. ENVIRONMENT must outlive
/// it.
ImageRefresh ImageRefreshFor(const Environment& environment);

/// The same; empty on a machine that was never enrolled (UnlocksAtBoot).
ImageRefresh ImageRefreshIfEnrolled(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_TERMINAL_IMAGE_OPTIONS_H_
