// SPDX-License-Identifier: Apache-2.0
// kill_at: runs a command and ends it at a chosen system call that changes something outside of it.
//
//   kill_at POINT [--log FILE] -- COMMAND...
//     --count                              no point: run it to its end; FILE gets all these calls
//     --all                                every system call counts, whatever it does
//     --before N, --after N                kill it instead of the N-th (from 1), or when it is done
//     --at-line TEXT --then SHELL-COMMAND  when it has written a line with TEXT to stderr, stop it,
//                                          run SHELL-COMMAND, then kill it
//
// Exit status: 0 when the point was reached, 3 when the command ended before; with --count the
// command's own; 125 when kill_at failed. The command's children are followed, and die with it.
//
// A call counts when it is made, whether it succeeds or not. Between two of them nothing outside
// changes, so "after N" and "before N + 1" leave the same behind. What goes to pipes, terminals,
// the kernel log, anonymous files or to kill_at's own stdout and stderr does not count; changes to
// a mapped file would not be seen.
#include <fcntl.h>
#include <getopt.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "test/tools/changing_calls.h"
#include "test/tools/other_process.h"

namespace {

constexpr int kReached = 0;
constexpr int kNotReached = 3;
constexpr int kFailed = 125;

using SyscallInfo = __ptrace_syscall_info;

[[noreturn]] void Die(const std::string& what) {
  fprintf(stderr, "kill_at: %s: %s\n", what.c_str(), strerrorname_np(errno));
  exit(kFailed);
}

struct Options {
  bool count = false;
  bool all = false;
  long before = 0;
  long after = 0;
  std::string line;
  std::string then;
  FILE* log = nullptr;
};

/// One traced process or thread.
struct Tracee {
  pid_t pid = 0;
  bool counted = false;    ///< it is in a call that was counted
  bool to_stderr = false;  ///< it is in a write to stderr
  std::string said;        ///< on stderr, from the start of the line
};

bool IsSameFile(const std::string& link, int own) {
  struct stat theirs;
  struct stat ours;
  return stat(link.c_str(), &theirs) == 0 && fstat(own, &ours) == 0 &&
         theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

bool IsOutside(const Tracee& tracee, unsigned long fd) {
  std::string link = FdLinkOf(tracee.pid, fd);
  std::string file = FileOf(tracee.pid, fd);
  if (!file.starts_with('/')) return false;
  for (const char* place : {"/memfd:", "/secretmem", "/dev/kmsg", "/dev/null", "/dev/tty",
                            "/dev/console", "/dev/pts/"}) {
    if (file.starts_with(place)) return false;
  }
  return !IsSameFile(link, STDOUT_FILENO) && !IsSameFile(link, STDERR_FILENO);
}

/// What the call changes, for people; empty when it changes nothing outside.
std::string Describe(const Tracee& tracee, const SyscallInfo& info) {
  const auto& args = info.entry.args;
  auto number = static_cast<long>(info.entry.nr);
  if (number == SYS_keyctl) {
    auto operation = kKeyOperations.find(static_cast<long>(args[0]));
    return operation == kKeyOperations.end() ? "" : std::string("keyctl ") + operation->second;
  }
  auto found = kCalls.find(number);
  if (found == kCalls.end()) return "";
  const Call& call = found->second;
  if (call.flags >= 0 && (args[call.flags] & (O_CREAT | O_TRUNC)) == 0) return "";
  if (call.fd >= 0 && !IsOutside(tracee, args[call.fd])) return "";
  std::string text = call.name;
  if (call.path >= 0) text += " " + TextOf(tracee.pid, args[call.path]);
  if (text.ends_with(" /dev/null")) return "";
  if (call.other >= 0) text += " " + TextOf(tracee.pid, args[call.other]);
  if (call.fd >= 0) text += " " + FileOf(tracee.pid, args[call.fd]);
  if (number == SYS_write && text.ends_with("/security")) {
    text += " '" + Printable(MemoryOf(tracee.pid, args[1], args[2])) + "'";
  }
  return text;
}

class Trace {
 public:
  explicit Trace(Options options) : options_(std::move(options)) {}

  int Run(char** command) {
    main_ = Start(command);
    tracees_[main_].pid = main_;
    for (;;) {
      int status = 0;
      pid_t pid = waitpid(-1, &status, __WALL);
      if (pid < 0) Die("waitpid");
      if (!WIFSTOPPED(status)) {
        tracees_.erase(pid);
        if (pid == main_) return Ended(status);
        continue;
      }
      bool is_new = !tracees_.contains(pid);
      tracees_[pid].pid = pid;
      if (Stopped(tracees_[pid], WSTOPSIG(status), status >> 16, is_new)) return kReached;
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
    int status = 0;
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) Die("the command did not start");
    long events = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                  PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SETOPTIONS, pid, 0, events) != 0) Die("PTRACE_SETOPTIONS");
    if (ptrace(PTRACE_SYSCALL, pid, 0, 0) != 0) Die("PTRACE_SYSCALL");
    return pid;
  }

  /// Whether the chosen point is reached; else the tracee goes on.
  bool Stopped(Tracee& tracee, int signal, int event, bool is_new) {
    bool is_call = signal == (SIGTRAP | 0x80);
    if (is_call && AtCall(tracee)) return true;
    bool is_ours = is_call || event != 0 || (is_new && signal == SIGSTOP);
    // ESRCH: killed meanwhile; waitpid will tell.
    if (ptrace(PTRACE_SYSCALL, tracee.pid, 0, is_ours ? 0 : signal) != 0 && errno != ESRCH) {
      Die("PTRACE_SYSCALL");
    }
    return false;
  }

  bool AtCall(Tracee& tracee) {
    SyscallInfo info = {};
    if (ptrace(PTRACE_GET_SYSCALL_INFO, tracee.pid, sizeof info, &info) < 0) return false;
    return info.op == PTRACE_SYSCALL_INFO_ENTRY ? AtEntry(tracee, info) : AtExit(tracee);
  }

  bool AtEntry(Tracee& tracee, const SyscallInfo& info) {
    const auto& args = info.entry.args;
    tracee.to_stderr =
        info.entry.nr == SYS_write && IsSameFile(FdLinkOf(tracee.pid, args[0]), STDERR_FILENO);
    if (tracee.to_stderr) tracee.said += MemoryOf(tracee.pid, args[1], args[2]);
    std::string what = Describe(tracee, info);
    if (options_.all && what.empty()) what = "call " + std::to_string(info.entry.nr);
    tracee.counted = !what.empty();
    if (!tracee.counted) return false;
    seen_++;
    if (options_.log) fprintf(options_.log, "%ld %s\n", seen_, what.c_str());
    return seen_ == options_.before && Kill();
  }

  bool AtExit(Tracee& tracee) {
    if (tracee.counted && seen_ == options_.after) return Kill();
    if (!tracee.to_stderr) return false;
    size_t end = tracee.said.rfind('\n');
    if (end == std::string::npos) return false;
    bool has_come = !options_.line.empty() &&
                    tracee.said.substr(0, end).find(options_.line) != std::string::npos;
    tracee.said.erase(0, end + 1);
    if (!has_come) return false;
    if (system(options_.then.c_str()) != 0) Die(options_.then);
    return Kill();
  }

  bool Kill() {
    for (const auto& [pid, tracee] : tracees_) kill(pid, SIGKILL);
    while (waitpid(-1, nullptr, __WALL) > 0 || errno == EINTR) {
    }
    return true;
  }

  [[nodiscard]] int Ended(int status) const {
    if (!options_.count) return kNotReached;
    return WIFEXITED(status) ? WEXITSTATUS(status) : kFailed;
  }

  Options options_;
  pid_t main_ = 0;
  long seen_ = 0;
  std::map<pid_t, Tracee> tracees_;
};

[[noreturn]] void Usage() {
  fprintf(stderr,
          "usage: kill_at [--all] --count | --before N | --after N | --at-line TEXT --then COMMAND"
          " [--log FILE] -- COMMAND...\n");
  exit(kFailed);
}

Options ParseOptions(int argc, char** argv) {
  const option kOptions[] = {
      {"count", no_argument, nullptr, 'c'},         {"all", no_argument, nullptr, 'e'},
      {"before", required_argument, nullptr, 'b'},  {"after", required_argument, nullptr, 'a'},
      {"at-line", required_argument, nullptr, 'l'}, {"then", required_argument, nullptr, 't'},
      {"log", required_argument, nullptr, 'o'},     {nullptr, 0, nullptr, 0}};
  Options options;
  for (int letter; (letter = getopt_long(argc, argv, "+", kOptions, nullptr)) != -1;) {
    switch (letter) {
      case 'c':
        options.count = true;
        break;
      case 'e':
        options.all = true;
        break;
      case 'b':
        options.before = atol(optarg);
        break;
      case 'a':
        options.after = atol(optarg);
        break;
      case 'l':
        options.line = optarg;
        break;
      case 't':
        options.then = optarg;
        break;
      case 'o':
        options.log = fopen(optarg, "we");
        break;
      default:
        Usage();
    }
  }
  bool has_point = options.count || options.before > 0 || options.after > 0 ||
                   (!options.line.empty() && !options.then.empty());
  if (!has_point || optind >= argc) Usage();
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  Options options = ParseOptions(argc, argv);
  FILE* log = options.log;
  int result = Trace(std::move(options)).Run(argv + optind);
  if (log != nullptr && fclose(log) != 0) Die("the log");
  return result;
}
