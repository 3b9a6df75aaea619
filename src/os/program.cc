#include "src/os/program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

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
  return Fail("there is no program " + name + " here; install it");
}

/// What the new process does before it becomes the program.
class SpawnActions {
 public:
  SpawnActions() {
    posix_spawn_file_actions_init(&files_);
    posix_spawnattr_init(&attributes_);
    // We ignore SIGPIPE, and a program would inherit that.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes_, &pipe);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF);
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }

  void Place(int file, int target) {
    if (file < 0) {
      posix_spawn_file_actions_addopen(&files_, target, "/dev/null", O_RDWR, 0);
    } else {
      posix_spawn_file_actions_adddup2(&files_, file, target);
    }
  }

  Result<pid_t> Spawn(const std::string& path, char* const* arguments) {
    std::string variable = kPath;
    char* const environment[] = {variable.data(), nullptr};
    pid_t pid = 0;
    int error = posix_spawn(&pid, path.c_str(), &files_, &attributes_, arguments, environment);
    if (error != 0) return FailErrno(path, error);
    return pid;
  }

 private:
  posix_spawn_file_actions_t files_;
  posix_spawnattr_t attributes_;
};

}  // namespace

Result<pid_t> StartProgram(const std::vector<std::string>& words, const ProgramFiles& files) {
  std::string path = TRY(FindProgram(words.front()));
  std::vector<std::string> copies = words;
  std::vector<char*> arguments;
  arguments.reserve(copies.size() + 1);
  for (std::string& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  SpawnActions actions;
  actions.Place(files.input, STDIN_FILENO);
  actions.Place(files.output, STDOUT_FILENO);
  actions.Place(files.errors, STDERR_FILENO);
  return actions.Spawn(path, arguments.data());
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
