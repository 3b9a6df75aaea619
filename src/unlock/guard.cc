// SPDX-License-Identifier: Apache-2.0
#include "src/unlock/guard.h"

#include "src/base/text.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

constexpr size_t kGuardLimit = 64 << 10;

constexpr char kSoftdepGuard[] =
    "# A softdep on a module makes its install line void. An alias leads away from the module.\n"
    "alias nfit nvunlock_guard\n"
    "alias cxl_pmem nvunlock_guard\n"
    "blacklist nvunlock_guard\n"
    "install nvunlock_guard /bin/false\n";

/// /run/modprobe.d's guard is stronger than the installed one.
Result<void> WriteRunGuard(const Environment& environment, const std::string& text) {
  for (const std::string& directory : environment.modprobe_dirs) {
    if (!directory.ends_with("/run/modprobe.d")) continue;
    TRY(MakeDirectories(directory, 0755));
    TRY(WriteFileDurably(directory + kGuardFile, text, 0644, IfPresent::kReplace));
  }
  return {};
}

}  // namespace

// The guard as it is installed.
asm(R"(
  .section .rodata
guard_text:
  .incbin "system/00-nvunlock.conf"
  .byte 0
  .text)");
extern "C" const char guard_text[];

std::string GuardText() {
  return guard_text;
}

std::string ImageGuardText() {
  return kSoftdepGuard;
}

bool GuardHolds(const Environment& environment) {
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

Result<void> LiftGuard(const Environment& environment) {
  TRY(WriteRunGuard(environment, "# nvunlock: open\n"));
  if (!GuardHolds(environment)) return {};
  return Fail(std::string("a copy of ") + &kGuardFile[1] +
              " in /etc/modprobe.d always keeps the DIMM drivers out; remove it");
}

Result<void> HoldGuard(const Environment& environment) {
  return WriteRunGuard(environment, guard_text);
}

}  // namespace nvunlock
