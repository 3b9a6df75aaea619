// SPDX-License-Identifier: Apache-2.0
#include "src/os/program.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "src/base/unique_fd.h"

namespace nvunlock {
namespace {

constexpr const char* kDirectories[] = {"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"};
constexpr char kPath[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";

Result<std::string> FindProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  for (const char* directory : kDirectories) {
    std::string path = directory + name;
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return Fail("the program " + name + " is missing; install it");
}

void Place(int file, int target) {
  UniqueFd null(file < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1);
  int source = file < 0 ? null.get() : file;
  if (dup2(source, target) < 0 || source == target) fcntl(target, F_SETFD, 0);
}

void SetLimit(__rlimit_resource_t resource, rlim_t limit) {
  const struct rlimit both = {limit, limit};
  setrlimit(resource, &both);
}

/// The kernel's overflow uid and gid, which own nothing.
constexpr unsigned kNobody = 65534;

/// Each step takes something away, whether or not the others can: the root of a user namespace has
/// no other user to become, and in a container there may be no namespaces.
void Confine() {
  SetLimit(RLIMIT_AS, rlim_t{512} << 20);
  SetLimit(RLIMIT_CPU, 300);
  SetLimit(RLIMIT_FSIZE, 0);
  SetLimit(RLIMIT_NOFILE, 16);
  (void)unshare(CLONE_NEWNET | CLONE_NEWIPC);
  [[maybe_unused]] bool is_nobody = setgroups(0, nullptr) == 0 &&
                                    setresgid(kNobody, kNobody, kNobody) == 0 &&
                                    setresuid(kNobody, kNobody, kNobody) == 0;
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/// What the new process does until it becomes the program. Returns why it could not.
int BecomeProgram(const std::string& path, char* const* arguments, const ProgramFiles& files,
                  Confinement confinement) {
  std::string variable = kPath;
  char* const environment[] = {variable.data(), nullptr};
  signal(SIGPIPE, SIG_DFL);  // we ignore it, and the program would inherit that
  Place(files.input, STDIN_FILENO);
  Place(files.output, STDOUT_FILENO);
  Place(files.errors, STDERR_FILENO);
  // Ours are so anyhow, but not what we may have been given.
  (void)close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  if (confinement == Confinement::kUnpacker) Confine();
  execve(path.c_str(), arguments, environment);
  return errno;
}

/// What the child says of its failure; 0 when the pipe was closed by its exec.
int ReadError(int fd) {
  int error = 0;
  while (read(fd, &error, sizeof(error)) < 0 && errno == EINTR) {
  }
  return error;
}

}  // namespace

Result<pid_t> StartProgram(const std::vector<std::string>& words, const ProgramFiles& files,
                           Confinement confinement) {
  std::string path = TRY(FindProgram(words.front()));
  std::vector<std::string> copies = words;
  std::vector<char*> arguments;
  arguments.reserve(copies.size() + 1);
  for (std::string& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return FailErrno("make a pipe", errno);
  UniqueFd errors(ends[0]);
  UniqueFd mouth(ends[1]);
  pid_t pid = fork();
  if (pid < 0) return FailErrno(path, errno);
  if (pid == 0) {
    int error = BecomeProgram(path, arguments.data(), files, confinement);
    [[maybe_unused]] ssize_t said = write(mouth.get(), &error, sizeof(error));
    _exit(127);
  }
  mouth = UniqueFd();
  int error = ReadError(errors.get());
  if (error == 0) return pid;
  (void)AwaitProgram(pid, path);
  return FailErrno(path, error);
}

void EndProgram(pid_t pid, unsigned seconds) {
  constexpr unsigned kTriesPerSecond = 1000;
  for (unsigned tries = seconds * kTriesPerSecond; tries > 0; tries--) {
    siginfo_t ended = {};
    if (waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOHANG | WNOWAIT) != 0) return;
    if (ended.si_pid == pid) return;
    usleep(1000000 / kTriesPerSecond);
  }
  kill(pid, SIGKILL);
}

Result<void> AwaitProgram(pid_t pid, const std::string& name) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return FailErrno(name, errno);
  }
  if (status == 0) return {};
  return Fail(name + (WIFEXITED(status) ? " failed with exit code " : " was ended by signal ") +
              std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status)));
}

}  // namespace nvunlock
