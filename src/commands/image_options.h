#ifndef NVUNLOCK_COMMANDS_IMAGE_OPTIONS_H_
#define NVUNLOCK_COMMANDS_IMAGE_OPTIONS_H_

#include "src/commands/options.h"
#include "src/passphrase/change_passphrase.h"

namespace nvunlock {

/// --no-image. TARGET must outlive it.
Option NoImageOption(bool& target);

/// Brings the images of this machine up to date, as nvunlock.conf says. ENVIRONMENT must outlive
/// it.
ImageRefresh ImageRefreshFor(const Environment& environment);

/// The same; empty on a machine that was never enrolled (UnlocksAtBoot).
ImageRefresh ImageRefreshIfEnrolled(const Environment& environment);

}  // namespace nvunlock

#endif  // NVUNLOCK_COMMANDS_IMAGE_OPTIONS_H_
