// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_OS_PROCESS_H_
#define NVUNLOCK_OS_PROCESS_H_

#include <string>

namespace nvunlock {

/// Keeps the memory of this process from others as far as a process can: no core dump, not
/// dumpable, nothing swapped out, files created for their owner only. Nor does a TPM or a reader of
/// its output that goes away end it (SIGPIPE) half-way, nor do messages go to another file where
/// it was started without standard output. Call it first.
void ProtectProcess();

/// gethostname(2), whole, as ndctl puts it into the names of blobs.
std::string HostName();

}  // namespace nvunlock

#endif  // NVUNLOCK_OS_PROCESS_H_
