#include "src/procedures/guard.h"

#include <string>

#include "src/base/text.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

constexpr char kGuardFile[] = "/00-nvunlock.conf";
constexpr size_t kGuardLimit = 64 << 10;

}  // namespace

bool GuardIsClosed(const Environment& environment) {
  for (const std::string& directory : environment.modprobe_dirs) {
    std::string path = directory + kGuardFile;
    if (!Exists(path)) continue;
    Result<std::string> text = ReadFile(path, kGuardLimit);
    if (!text) return false;  // empty: an opened guard
    for (std::string_view line : Split(*text, '\n')) {
      if (line.starts_with("install ")) return true;
    }
    return false;
  }
  return false;
}

Result<void> OpenGuard(const Environment& environment) {
  for (const std::string& directory : environment.modprobe_dirs) {
    if (!directory.ends_with("/run/modprobe.d")) continue;
    TRY(MakeDirectories(directory, 0755));
    TRY(WriteFileDurably(directory + kGuardFile, "# nvunlock: open\n", 0644, IfPresent::kReplace));
  }
  if (!GuardIsClosed(environment)) return {};
  return Fail(std::string("a copy of ") + &kGuardFile[1] +
              " in /etc/modprobe.d keeps the DIMM drivers out for good; remove it");
}

}  // namespace nvunlock
