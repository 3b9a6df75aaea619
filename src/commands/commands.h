#ifndef NVUNLOCK_COMMANDS_COMMANDS_H_
#define NVUNLOCK_COMMANDS_COMMANDS_H_

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
  const char* version = "";  ///< of the program
};

Result<int> RunEnroll(const Invocation& invocation);
Result<int> RunUnlock(const Invocation& invocation);
Result<int> RunLoadKeys(const Invocation& invocation);
Result<int> RunFreezeSecurity(const Invocation& invocation);
Result<int> RunReseal(const Invocation& invocation);
Result<int> RunListSlots(const Invocation& invocation);
Result<int> RunWipeSlot(const Invocation& invocation);
Result<int> RunImageFiles(const Invocation& invocation);
Result<int> RunBackup(const Invocation& invocation);
Result<int> RunRestore(const Invocation& invocation);
Result<int> RunCheckImage(const Invocation& invocation);
Result<int> RunRefreshImages(const Invocation& invocation);
Result<int> RunLatch(const Invocation& invocation);
Result<int> RunAdopt(const Invocation& invocation);
Result<int> RunStatus(const Invocation& invocation);
Result<int> RunVerify(const Invocation& invocation);
Result<int> RunSetupPassphrase(const Invocation& invocation);
Result<int> RunUpdatePassphrase(const Invocation& invocation);
Result<int> RunRemovePassphrase(const Invocation& invocation);
Result<int> RunSanitizeDimm(const Invocation& invocation);
Result<int> RunWaitOverwrite(const Invocation& invocation);
Result<int> RunEnableDimm(const Invocation& invocation);
Result<int> RunDisableDimm(const Invocation& invocation);
Result<int> RunRotateKek(const Invocation& invocation);
Result<int> RunSettle(const Invocation& invocation);
Result<int> RunList(const Invocation& invocation);

}  // namespace nvunlock

#endif  // NVUNLOCK_COMMANDS_COMMANDS_H_
