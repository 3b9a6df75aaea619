// SPDX-License-Identifier: Apache-2.0
#include "src/os/prompt.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

#include "src/base/unique_fd.h"
#include "test/unit/support/byte_strings.h"

namespace nvunlock {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;

  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
    reader = UniqueFd(ends[0]);
    writer = UniqueFd(ends[1]);
  }
};

struct Pty {
  UniqueFd master;
  UniqueFd slave;

  Pty() {
    master = UniqueFd(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    grantpt(master.get());
    unlockpt(master.get());
    slave = UniqueFd(open(ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!slave.valid()) throw std::runtime_error("no pseudo terminal");
  }

  [[nodiscard]] bool Echoes() const {
    termios settings = {};
    tcgetattr(slave.get(), &settings);
    return (settings.c_lflag & ECHO) != 0;
  }

  [[nodiscard]] bool StopsToEcho() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (Echoes()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
};

std::string ReadAll(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t count = 0; (count = read(fd, buffer, sizeof(buffer))) > 0;) {
    text.append(buffer, static_cast<size_t>(count));
  }
  return text;
}

/// What comes out of FD within a moment.
std::string ReadWhatIsThere(int fd) {
  std::string text;
  pollfd readable = {.fd = fd, .events = POLLIN, .revents = 0};
  char buffer[4096];
  while (poll(&readable, 1, 100) == 1) {
    ssize_t count = read(fd, buffer, sizeof(buffer));
    if (count <= 0) break;
    text.append(buffer, static_cast<size_t>(count));
  }
  return text;
}

void Write(int fd, std::string_view text) {
  if (write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error("short write");
  }
}

/// A process with INPUT as its standard input that asks QUESTION.
class Asker {
 public:
  explicit Asker(const UniqueFd& input, const Question& question = {.text = "PIN"}) {
    pid_ = fork();
    if (pid_ != 0) {
      answer_.writer = UniqueFd();
      stderr_.writer = UniqueFd();
      return;
    }
    dup2(input.get(), STDIN_FILENO);
    dup2(stderr_.writer.get(), STDERR_FILENO);
    Result<Secret> answer = AskSecret(question);
    Write(answer_.writer.get(), answer ? "answer: " + std::string(AsText(answer->bytes()))
                                       : "error: " + answer.error().message);
    _exit(0);
  }
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;
  ~Asker() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  /// "answer: " or "error: " and what it is.
  [[nodiscard]] std::string Outcome() const { return ReadAll(answer_.reader.get()); }
  [[nodiscard]] std::string Shown() const { return ReadAll(stderr_.reader.get()); }

 private:
  Pipe answer_;
  Pipe stderr_;
  pid_t pid_ = -1;
};

/// What comes of TYPED on a standard input that is no terminal.
std::string AnswerTo(std::string_view typed) {
  Pipe input;
  Write(input.writer.get(), typed);
  input.writer = UniqueFd();
  return Asker(input.reader).Outcome();
}

TEST(AskSecretTest, TakesALineOfAPipeWithoutItsNewline) {
  EXPECT_EQ(AnswerTo("secret\n"), "answer: secret");
  EXPECT_EQ(AnswerTo("secret\nsecond\n"), "answer: secret");
  EXPECT_EQ(AnswerTo(" with space \n"), "answer:  with space ");
}

TEST(AskSecretTest, TakesALineThatEndsWithTheFile) {
  EXPECT_EQ(AnswerTo("secret"), "answer: secret");
}

TEST(AskSecretTest, LeavesTheNextLineForTheNextQuestion) {
  Pipe input;
  Write(input.writer.get(), "first\nsecond\n");
  EXPECT_EQ(Asker(input.reader).Outcome(), "answer: first");
  EXPECT_EQ(Asker(input.reader).Outcome(), "answer: second");
}

TEST(AskSecretTest, AnEmptyAnswerIsAnError) {
  EXPECT_EQ(AnswerTo("\n"), "error: the answer is empty");
  EXPECT_EQ(AnswerTo(""), "error: the answer is empty");
}

TEST(AskSecretTest, ATooLongAnswerIsAnErrorAndNotCut) {
  EXPECT_EQ(AnswerTo(std::string(1024, 'x') + "\n"), "answer: " + std::string(1024, 'x'));
  EXPECT_EQ(AnswerTo(std::string(1025, 'x') + "\n"), "error: the answer is too long");
}

TEST(AskSecretTest, TheQuestionIsShownAndTheAnswerIsNot) {
  Pipe input;
  Write(input.writer.get(), "secret\n");
  Asker asker(input.reader, {.text = "PIN for user:kek"});
  std::string shown = asker.Shown();
  EXPECT_THAT(shown, HasSubstr("PIN for user:kek: "));
  EXPECT_THAT(shown, Not(HasSubstr("secret")));
}

TEST(AskSecretTest, NobodyIsWaitedForAfterTheTimeout) {
  Pipe input;
  Write(input.writer.get(), "half an ans");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Asker(input.reader, {.text = "PIN", .timeout_seconds = 1}).Outcome(),
            "error: nobody answered in time");
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(900));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(AskSecretTest, AnAnswerWithinTheTimeoutCounts) {
  Pipe input;
  Asker asker(input.reader, {.text = "PIN", .timeout_seconds = 60});
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  Write(input.writer.get(), "secret\n");
  EXPECT_EQ(asker.Outcome(), "answer: secret");
}

TEST(AskSecretOnTerminalTest, WhatIsTypedIsNotEchoed) {
  Pty pty;
  Asker asker(pty.slave);
  ASSERT_TRUE(pty.StopsToEcho());
  Write(pty.master.get(), "secret\n");
  EXPECT_EQ(asker.Outcome(), "answer: secret");
  EXPECT_THAT(ReadWhatIsThere(pty.master.get()), Not(HasSubstr("secret")));
}

TEST(AskSecretOnTerminalTest, TheLineMayBeEdited) {
  Pty pty;
  Asker asker(pty.slave);
  ASSERT_TRUE(pty.StopsToEcho());
  Write(pty.master.get(), "secrex\x7ft\n");
  EXPECT_EQ(asker.Outcome(), "answer: secret");
}

TEST(AskSecretOnTerminalTest, TheTerminalEchoesAgainAfterwards) {
  Pty pty;
  {
    Asker asker(pty.slave);
    ASSERT_TRUE(pty.StopsToEcho());
    Write(pty.master.get(), "secret\n");
    EXPECT_EQ(asker.Outcome(), "answer: secret");
  }
  EXPECT_TRUE(pty.Echoes());
  EXPECT_EQ(Asker(pty.slave, {.text = "PIN", .timeout_seconds = 1}).Outcome(),
            "error: nobody answered in time");
  EXPECT_TRUE(pty.Echoes());
}

/// Whoever answers as soon as they see the question must not be echoed, nor lose what they typed.
TEST(AskSecretOnTerminalTest, TheEchoIsOffBeforeTheQuestionIsShown) {
  Pty pty;
  Pipe full;
  fcntl(full.writer.get(), F_SETFL, O_NONBLOCK);
  while (write(full.writer.get(), "x", 1) == 1) {
  }
  fcntl(full.writer.get(), F_SETFL, 0);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(pty.slave.get(), STDIN_FILENO);
    dup2(full.writer.get(), STDERR_FILENO);  // the question gets stuck here
    (void)AskSecret({.text = "PIN", .timeout_seconds = 30});
    _exit(0);
  }
  EXPECT_TRUE(pty.StopsToEcho());
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

}  // namespace
}  // namespace nvunlock
