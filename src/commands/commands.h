#ifndef NVUNLOCK_COMMANDS_COMMANDS_H_
#define NVUNLOCK_COMMANDS_COMMANDS_H_

namespace nvunlock {

struct Invocation;

/// One subcommand: what dispatches to it, and what its help says.
struct Command {
  const char* name;
  const char* synopsis;
  const char* summary;
  int (*run)(const Invocation& invocation);  ///< returns the program's exit code
};

/// How a command was called; argv[0] is its name.
struct Invocation {
  const Command& command;
  int argc;
  char** argv;
  const char* version = "";  ///< of the program
};

int RunEnroll(const Invocation& invocation);
int RunUnlock(const Invocation& invocation);
int RunLoadKeys(const Invocation& invocation);
int RunFreezeSecurity(const Invocation& invocation);
int RunReseal(const Invocation& invocation);
int RunListSlots(const Invocation& invocation);
int RunWipeSlot(const Invocation& invocation);
int RunImageFiles(const Invocation& invocation);
int RunBackup(const Invocation& invocation);
int RunRestore(const Invocation& invocation);
int RunCheckImage(const Invocation& invocation);
int RunRefreshImages(const Invocation& invocation);
int RunLatch(const Invocation& invocation);
int RunAdopt(const Invocation& invocation);
int RunStatus(const Invocation& invocation);
int RunVerify(const Invocation& invocation);
int RunSetupPassphrase(const Invocation& invocation);
int RunUpdatePassphrase(const Invocation& invocation);
int RunRemovePassphrase(const Invocation& invocation);
int RunSanitizeDimm(const Invocation& invocation);
int RunWaitOverwrite(const Invocation& invocation);
int RunEnableDimm(const Invocation& invocation);
int RunDisableDimm(const Invocation& invocation);
int RunRotateKek(const Invocation& invocation);
int RunSettle(const Invocation& invocation);
int RunList(const Invocation& invocation);

}  // namespace nvunlock

#endif  // NVUNLOCK_COMMANDS_COMMANDS_H_
