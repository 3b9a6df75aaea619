// SPDX-License-Identifier: Apache-2.0
// memory_watch FILE PROGRAM ARGUMENT...: runs PROGRAM, and at every system call that it makes,
// before and after, looks through its memory for the bytes of FILE, by /proc/PID/mem as any other
// root process could. Prints what was found and exits with PROGRAM's exit code.
//
//   stops 1234 found 2 found-last 0
//
// "found" counts the stops at which the bytes were there, "found-last" the places at the last one,
// when PROGRAM was about to end. Where they were found, a line each goes to stderr.
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace {

[[noreturn]] void Die(const char* what) {
  perror(what);
  exit(125);
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Watched {
 public:
  Watched(pid_t pid, std::string pattern) : pid_(pid), pattern_(std::move(pattern)) {
    memory_ = open((Proc() + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
    if (memory_ < 0) Die("open /proc/PID/mem");
  }

  /// The number of places at which the pattern is now.
  int Search() {
    int places = 0;
    std::istringstream maps(ReadAll(Proc() + "/maps"));
    for (std::string line; std::getline(maps, line);) places += SearchMapping(line);
    return places;
  }

  [[nodiscard]] long long SystemCall() const {
    user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, pid_, nullptr, &registers) != 0) Die("PTRACE_GETREGS");
    return static_cast<long long>(registers.orig_rax);
  }

 private:
  [[nodiscard]] std::string Proc() const { return "/proc/" + std::to_string(pid_); }

  int SearchMapping(const std::string& line) {
    unsigned long start = 0;
    unsigned long end = 0;
    char mode[5] = "";
    if (sscanf(line.c_str(), "%lx-%lx %4s", &start, &end, mode) != 3 || mode[0] != 'r') return 0;
    std::string content(end - start, '\0');
    ssize_t count = pread(memory_, content.data(), content.size(), static_cast<off_t>(start));
    if (count <= 0) return 0;  // EIO: secret memory
    content.resize(static_cast<size_t>(count));
    int places = 0;
    for (size_t at = content.find(pattern_); at != std::string::npos;
         at = content.find(pattern_, at + 1)) {
      fprintf(stderr, "system call %lld: found at %lx in %s\n", SystemCall(), start + at,
              line.c_str());
      places++;
    }
    return places;
  }

  pid_t pid_;
  std::string pattern_;
  int memory_;
};

pid_t Start(char** argv) {
  pid_t pid = fork();
  if (pid < 0) Die("fork");
  if (pid > 0) return pid;
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) Die("PTRACE_TRACEME");
  execv(argv[0], argv);
  Die(argv[0]);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: memory_watch FILE PROGRAM ARGUMENT...\n");
    return 2;
  }
  std::string pattern = ReadAll(argv[1]);
  if (pattern.size() < 16) Die("the pattern is too short to mean anything");
  pid_t pid = Start(argv + 2);
  int status = 0;
  waitpid(pid, &status, 0);
  Watched watched(pid, std::move(pattern));
  int stops = 0;
  int found = 0;
  int last = 0;
  while (ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr) == 0) {
    if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status)) break;
    stops++;
    last = watched.Search();
    found += last > 0 ? 1 : 0;
  }
  printf("stops %d found %d found-last %d\n", stops, found, last);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
