#include "src/os/image_listing.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "src/base/unique_fd.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

/// More than any listing; who writes more is cut off.
constexpr size_t kListingLimit = 64 << 20;

Result<pid_t> Spawn(const std::string& tool, const std::string& image, int output) {
  std::string arguments[] = {tool, image};
  char* const argv[] = {arguments[0].data(), arguments[1].data(), nullptr};
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  char* const environment[] = {path.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  int error = posix_spawn(&pid, tool.c_str(), &actions, nullptr, argv, environment);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return FailErrno(tool, error);
  return pid;
}

std::string ReadAll(int fd) {
  std::string text;
  std::array<char, 65536> buffer;
  while (text.size() < kListingLimit) {
    ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<size_t>(count));
  }
  return text;
}

Result<std::string> ListWith(const std::string& tool, const std::string& image) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return FailErrno("make a pipe", errno);
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  pid_t pid = TRY(Spawn(tool, image, theirs.get()));
  theirs = UniqueFd();
  std::string text = ReadAll(ours.get());
  ours = UniqueFd();
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0 || text.empty()) return Fail(tool + " cannot read it");
  return text;
}

}  // namespace

Result<std::string> ListImage(const std::vector<std::string>& tools, const std::string& image) {
  Result<std::string> listing = Fail("there is none of lsinitrd, lsinitramfs and lsinitcpio");
  for (const std::string& tool : tools) {
    if (!Exists(tool)) continue;
    listing = ListWith(tool, image);
    if (listing) break;
  }
  return listing;
}

}  // namespace nvunlock
