// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TERMINAL_INVOCATION_H_
#define NVUNLOCK_TERMINAL_INVOCATION_H_

#include "src/base/result.h"

namespace nvunlock {

struct Invocation;

/// One subcommand: what dispatches to it, and what its help says.
struct Command {
  const char* name;
  const char* synopsis;
  const char* summary;
  Result<int> (*run)(const Invocation& invocation);  ///< the program's exit code, or why it failed
};

/// How a command was called; argv[0] is its name.
struct Invocation {
  const Command& command;
  int argc;
  char** argv;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TERMINAL_INVOCATION_H_
