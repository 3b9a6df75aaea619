// SPDX-License-Identifier: Apache-2.0
#include "src/os/prompt.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <optional>

#include "src/base/unique_fd.h"
#include "src/os/file.h"

extern char** environ;

namespace nvunlock {
namespace {

constexpr size_t kAnswerLimit = 1024;
constexpr char kAskPassword[] = "/bin/systemd-ask-password";
constexpr char kAskPasswordAgents[] = "/run/systemd/ask-password";

/// Turns a terminal's echo off for as long as it lives.
class Silence {
 public:
  explicit Silence(int fd) : fd_(fd), is_terminal_(tcgetattr(fd, &before_) == 0) {
    if (!is_terminal_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(fd, TCSAFLUSH, &silent);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  ~Silence() {
    if (is_terminal_) tcsetattr(fd_, TCSAFLUSH, &before_);
  }

 private:
  int fd_;
  termios before_ = {};
  bool is_terminal_;
};

/// A moment from now on, against which a wait is measured.
class Deadline {
 public:
  explicit Deadline(unsigned seconds) : end_(seconds == 0 ? 0 : Now() + seconds * 1000L) {}

  /// For poll(2): what is left, or -1.
  [[nodiscard]] int Milliseconds() const {
    if (end_ == 0) return -1;
    long left = end_ - Now();
    return left > 0 ? static_cast<int>(left) : 0;
  }

 private:
  static long Now() {
    timespec now = {};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
  }

  long end_;
};

/// One byte; nullopt at the end of the file.
Result<std::optional<uint8_t>> ReadByte(int fd, const Deadline& deadline) {
  pollfd readable = {.fd = fd, .events = POLLIN, .revents = 0};
  for (;;) {
    int ready = poll(&readable, 1, deadline.Milliseconds());
    if (ready == 0) return Fail("nobody answered in time");
    uint8_t byte = 0;
    ssize_t count = ready < 0 ? -1 : read(fd, &byte, 1);
    if (count == 1) return std::optional<uint8_t>(byte);
    if (count == 0) return std::optional<uint8_t>();
    if (errno != EINTR && errno != EAGAIN) return FailErrno("read an answer", errno);
  }
}

Result<Secret> ReadLine(int fd, const Deadline& deadline) {
  Secret line = TRY(Secret::Create(kAnswerLimit));
  size_t size = 0;
  for (;;) {
    std::optional<uint8_t> byte = TRY(ReadByte(fd, deadline));
    if (!byte || *byte == '\n') break;
    if (size == kAnswerLimit) return Fail("the answer is too long");
    line.bytes()[size++] = *byte;
  }
  if (size == 0) return Fail("the answer is empty");
  line.Shrink(size);
  return line;
}

void Write(int fd, const std::string& text) {
  // Nobody may be there to see it; the answer counts.
  [[maybe_unused]] ssize_t written = write(fd, text.data(), text.size());
}

Result<Secret> AskOn(int input, int output, const Question& question) {
  Result<Secret> answer = [&] {
    Silence silence(input);
    Write(output, question.text + ": ");
    return ReadLine(input, Deadline(question.timeout_seconds));
  }();
  Write(output, "\n");
  return answer;
}

Result<pid_t> SpawnAskPassword(const Question& question, int output) {
  std::string timeout = "--timeout=" + std::to_string(question.timeout_seconds);
  std::string text = question.text + ":";
  std::string arguments[] = {"systemd-ask-password", "--id=nvunlock", timeout, text};
  char* argv[5] = {};
  for (size_t i = 0; i < 4; i++) argv[i] = arguments[i].data();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  pid_t pid = 0;
  int error = posix_spawn(&pid, kAskPassword, &actions, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return FailErrno(kAskPassword, error);
  return pid;
}

Result<Secret> AskThroughSystemd(const Question& question) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return FailErrno("make a pipe", errno);
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  pid_t pid = TRY(SpawnAskPassword(question, theirs.get()));
  theirs = UniqueFd();
  Result<Secret> answer = ReadLine(ours.get(), Deadline(0));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) return Fail("nobody answered in time");
  return answer;
}

}  // namespace

Result<Secret> AskSecret(const Question& question) {
  return AskOn(STDIN_FILENO, STDERR_FILENO, question);
}

Result<Secret> AskSecretAtBoot(const Question& question) {
  if (Exists(kAskPassword) && Exists(kAskPasswordAgents)) return AskThroughSystemd(question);
  UniqueFd console(open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!console.valid()) return FailErrno("/dev/console", errno);
  return AskOn(console.get(), console.get(), question);
}

}  // namespace nvunlock
