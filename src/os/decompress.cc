// SPDX-License-Identifier: Apache-2.0
#include "src/os/decompress.h"

#include <fcntl.h>
#include <poll.h>

#include <cerrno>

#include "src/os/program.h"

namespace nvunlock {
namespace {

constexpr size_t kBufferSize = 64 << 10;

/// xz -9 needs 65 MiB. What a header may ask for are 4 GiB.
constexpr const char* kXzMemory = "--memlimit-decompress=256MiB";

/// Without a byte going in or out, or after the last one.
constexpr int kPatienceSeconds = 60;

struct Method {
  Compression compression;
  const char* name;
  std::string_view magic;
  std::vector<std::string> words;
};

const std::vector<Method>& Methods() {
  static const std::vector<Method> methods = {
      {Compression::kGzip, "gzip", "\x1f\x8b", {"gzip", "-dc"}},
      {Compression::kBzip2, "bzip2", "BZ", {"bzip2", "-dc"}},
      {Compression::kLzma, "lzma", {"\x5d\0", 2}, {"xz", "-dc", "-T1", kXzMemory, "--format=lzma"}},
      {Compression::kXz, "xz", "\xfd\x37", {"xz", "-dc", "-T1", kXzMemory, "--format=xz"}},
      {Compression::kLzo, "lzo", "\x89\x4c", {"lzop", "-dc"}},
      {Compression::kLz4, "lz4", "\x02\x21", {"lz4", "-dc"}},
      {Compression::kZstd, "zstd", "\x28\xb5", {"zstd", "-dc", "-q"}},
  };
  return methods;
}

const Method& MethodOf(Compression compression) {
  for (const Method& method : Methods()) {
    if (method.compression == compression) return method;
  }
  return Methods().front();
}

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

Result<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return FailErrno("make a pipe", errno);
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace

const char* Describe(Compression compression) {
  return MethodOf(compression).name;
}

std::optional<Compression> CompressionOf(ByteView start) {
  for (const Method& method : Methods()) {
    if (AsText(start).starts_with(method.magic)) return method.compression;
  }
  return std::nullopt;
}

Result<std::unique_ptr<Decompression>> Decompression::Start(Compression compression,
                                                            ByteSource& compressed) {
  const Method& method = MethodOf(compression);
  Pipe input = TRY(MakePipe());
  Pipe output = TRY(MakePipe());
  std::unique_ptr<Decompression> started(new Decompression(method.words.front(), compressed));
  started->pid_ =
      TRY(StartProgram(method.words, {.input = input.reader.get(), .output = output.writer.get()},
                       Confinement::kUnpacker));
  if (fcntl(input.writer.get(), F_SETFL, O_NONBLOCK) != 0) return FailErrno("a pipe", errno);
  started->to_program_ = std::move(input.writer);
  started->from_program_ = std::move(output.reader);
  return started;
}

Decompression::~Decompression() {
  if (!pid_) return;
  EndProgram(*pid_, 0);
  (void)AwaitProgram(*pid_, program_);
}

/// Hands over as much as the program takes now.
Result<void> Decompression::Feed() {
  if (taken_ == waiting_.size()) {
    waiting_.resize(kBufferSize);
    taken_ = 0;
    waiting_.resize(TRY(compressed_.Read(waiting_)));
  }
  if (waiting_.empty()) {
    to_program_ = UniqueFd();
    return {};
  }
  ssize_t count = write(to_program_.get(), &waiting_[taken_], waiting_.size() - taken_);
  if (count >= 0) {
    taken_ += static_cast<size_t>(count);
  } else if (errno == EPIPE) {
    to_program_ = UniqueFd();  // it has seen enough, or has failed; its exit code tells
  } else if (errno != EAGAIN && errno != EINTR) {
    return FailErrno(program_, errno);
  }
  return {};
}

Result<size_t> Decompression::Finish() {
  to_program_ = UniqueFd();
  if (!pid_) return size_t{0};
  pid_t pid = *pid_;
  pid_.reset();
  EndProgram(pid, kPatienceSeconds);
  TRY(AwaitProgram(pid, program_));
  return size_t{0};
}

Result<size_t> Decompression::Read(std::span<uint8_t> buffer) {
  for (;;) {
    pollfd files[] = {{.fd = from_program_.get(), .events = POLLIN},
                      {.fd = to_program_.get(), .events = POLLOUT}};
    int ready = poll(files, 2, kPatienceSeconds * 1000);
    if (ready < 0 && errno != EINTR) return FailErrno(program_, errno);
    if (ready == 0) return Fail(program_ + " does not respond");
    if (files[1].revents != 0) TRY(Feed());
    if (files[0].revents == 0) continue;
    ssize_t count = read(from_program_.get(), buffer.data(), buffer.size());
    if (count > 0) return static_cast<size_t>(count);
    if (count == 0) return Finish();
    if (errno != EINTR) return FailErrno(program_, errno);
  }
}

}  // namespace nvunlock
