// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_OS_PROGRAM_H_
#define NVUNLOCK_OS_PROGRAM_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "src/base/result.h"

namespace nvunlock {

/// File descriptors that a program gets for its own 0, 1 and 2; -1: /dev/null.
struct ProgramFiles {
  int input = -1;
  int output = -1;
  int errors = -1;
};

enum class Confinement {
  kNone,

  /// For what unpacks files that anybody may have written: 512 MiB of memory, five minutes of CPU,
  /// no file to write to, and, as far as the system lets it, the user nobody, no network, no way
  /// back.
  kUnpacker,
};

/// Starts WORDS[0] with the others as its arguments, without a shell. It is looked for in the
/// system's directories unless it has a slash, and gets an environment with nothing but PATH.
Result<pid_t> StartProgram(const std::vector<std::string>& words, const ProgramFiles& files,
                           Confinement confinement = Confinement::kNone);

/// Kills it unless it ends within SECONDS. AwaitProgram tells how it ended.
void EndProgram(pid_t pid, unsigned seconds);

/// Waits until it has ended. Fails with NAME unless it did so with exit code 0.
Result<void> AwaitProgram(pid_t pid, const std::string& name);

}  // namespace nvunlock

#endif  // NVUNLOCK_OS_PROGRAM_H_
