// SPDX-License-Identifier: Apache-2.0
// Tested by test/qemu/guard.bats.
#ifndef NVUNLOCK_OS_KMSG_H_
#define NVUNLOCK_OS_KMSG_H_

#include <string_view>

namespace nvunlock {

/// syslog(3) levels that we use.
enum class LogLevel { kError = 3, kWarning = 4, kInfo = 6 };

/// Adds one line to the kernel log, where it outlives the initramfs. Does nothing when there is
/// no /dev/kmsg to write to: the same line is on stderr.
void WriteKernelLog(LogLevel level, std::string_view line);

}  // namespace nvunlock

#endif  // NVUNLOCK_OS_KMSG_H_
