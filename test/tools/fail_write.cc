// SPDX-License-Identifier: Apache-2.0
// fail_write: runs a command whose writes to some files fail, before the kernel has seen them or
// after it has done what they ask for.
//
//   fail_write --file ENDING [--errno N --nth N --lost|--acted] [--log FILE] -- COMMAND...
//     --file ENDING  of the paths, such as /security; may be given several times
//     --nth N        the N-th write to such a file (from 1)
//     --lost         the kernel does not get it (default)
//     --acted        the kernel does what is written, and only its answer is another
//     --log FILE     gets a line for each write to such a file
//
// Exit status: the command's own; 125 when fail_write failed.
#include <fcntl.h>
#include <getopt.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "test/tools/other_process.h"

namespace {

[[noreturn]] void Die(const std::string& what) {
  fprintf(stderr, "fail_write: %s: %s\n", what.c_str(), strerror(errno));
  exit(125);
}

struct Options {
  std::vector<std::string> endings;
  int error_number = 0;
  long nth = 0;
  bool acted = false;
  FILE* log = nullptr;
};

class Trace {
 public:
  explicit Trace(Options options) : options_(std::move(options)) {}

  int Run(char** command) {
    pid_t main = Start(command);
    for (;;) {
      int status = 0;
      pid_t pid = waitpid(-1, &status, __WALL);
      if (pid < 0) Die("waitpid");
      if (WIFSTOPPED(status)) {
        Stopped(pid, WSTOPSIG(status), status >> 16);
      } else if (pid == main) {
        return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
      }
    }
  }

 private:
  static pid_t Start(char** command) {
    pid_t pid = fork();
    if (pid < 0) Die("fork");
    if (pid == 0) {
      if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) Die("PTRACE_TRACEME");
      execvp(command[0], command);
      Die(command[0]);
    }
    if (waitpid(pid, nullptr, 0) != pid) Die("waitpid");
    long events = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                  PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SETOPTIONS, pid, 0, events) != 0) Die("PTRACE_SETOPTIONS");
    if (ptrace(PTRACE_SYSCALL, pid, 0, 0) != 0) Die("PTRACE_SYSCALL");
    return pid;
  }

  void Stopped(pid_t pid, int signal, int event) {
    bool is_call = signal == (SIGTRAP | 0x80);
    if (is_call) AtCall(pid);
    bool is_ours = is_call || event != 0 || signal == SIGSTOP || signal == SIGTRAP;
    // ESRCH: killed meanwhile; waitpid will tell.
    if (ptrace(PTRACE_SYSCALL, pid, 0, is_ours ? 0 : signal) != 0 && errno != ESRCH) {
      Die("PTRACE_SYSCALL");
    }
  }

  void AtCall(pid_t pid) {
    user_regs_struct registers = {};
    if (ptrace(PTRACE_GETREGS, pid, 0, &registers) != 0) return;
    if (failing_.erase(pid) == 1) return Fail(pid, registers);
    bool is_entry = entered_.insert(pid).second;
    if (!is_entry) {
      entered_.erase(pid);
    } else if (registers.orig_rax == SYS_write || registers.orig_rax == SYS_pwrite64) {
      AtWrite(pid, registers);
    }
  }

  void AtWrite(pid_t pid, user_regs_struct& registers) {
    std::string file = FileOf(pid, registers.rdi);
    if (!IsWanted(file)) return;
    seen_++;
    bool fails = seen_ == options_.nth;
    if (options_.log != nullptr) {
      std::string text = Printable(MemoryOf(pid, registers.rsi, registers.rdx));
      fprintf(options_.log, "%ld %s '%s'%s\n", seen_, file.c_str(), text.c_str(),
              !fails           ? ""
              : options_.acted ? " is done, and fails"
                               : " fails");
    }
    if (!fails) return;
    entered_.erase(pid);
    failing_.insert(pid);
    if (options_.acted) return;
    registers.orig_rax = ~0ULL;  // no system call at all
    if (ptrace(PTRACE_SETREGS, pid, 0, &registers) != 0) Die("PTRACE_SETREGS");
  }

  void Fail(pid_t pid, user_regs_struct& registers) const {
    registers.rax = static_cast<unsigned long long>(-static_cast<long long>(options_.error_number));
    if (ptrace(PTRACE_SETREGS, pid, 0, &registers) != 0) Die("PTRACE_SETREGS");
  }

  [[nodiscard]] bool IsWanted(const std::string& file) const {
    for (const std::string& ending : options_.endings) {
      if (file.ends_with(ending)) return true;
    }
    return false;
  }

  Options options_;
  long seen_ = 0;
  std::set<pid_t> entered_;  ///< in a call that is left alone
  std::set<pid_t> failing_;  ///< in a write whose answer is ours
};

Options ParseOptions(int argc, char** argv) {
  const option kOptions[] = {
      {"file", required_argument, nullptr, 'f'}, {"errno", required_argument, nullptr, 'e'},
      {"nth", required_argument, nullptr, 'n'},  {"and-after", no_argument, nullptr, 'a'},
      {"lost", no_argument, nullptr, 'l'},       {"acted", no_argument, nullptr, 't'},
      {"log", required_argument, nullptr, 'o'},  {nullptr, 0, nullptr, 0}};
  Options options;
  for (int letter; (letter = getopt_long(argc, argv, "+", kOptions, nullptr)) != -1;) {
    switch (letter) {
      case 'f':
        options.endings.emplace_back(optarg);
        break;
      case 'e':
        options.error_number = atoi(optarg);
        break;
      case 'n':
        options.nth = atol(optarg);
        break;
      case 'l':
        options.acted = false;
        break;
      case 't':
        options.acted = true;
        break;
      case 'o':
        options.log = fopen(optarg, "we");
        break;
      default:
        exit(125);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  Options options = ParseOptions(argc, argv);
  if (options.endings.empty() || optind >= argc) {
    fprintf(stderr, "usage: fail_write --file ENDING [options] -- COMMAND...\n");
    return 125;
  }
  FILE* log = options.log;
  int result = Trace(std::move(options)).Run(argv + optind);
  if (log != nullptr && fclose(log) != 0) Die("the log");
  return result;
}
