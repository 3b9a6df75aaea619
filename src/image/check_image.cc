// SPDX-License-Identifier: Apache-2.0
#include "src/image/check_image.h"

#include <sys/stat.h>

#include <set>

#include "src/base/text.h"
#include "src/image/image_contents.h"
#include "src/image/image_tree.h"
#include "src/image/required_keys.h"
#include "src/unlock/guard.h"

namespace nvunlock {
namespace {

constexpr char kGuardPlace[] = "etc/modprobe.d";

/// One of these starts the unlock: the unit's link in an image with systemd, and the hooks of
/// dracut, initramfs-tools and mkinitcpio in one without.
constexpr const char* kStarts[] = {
    "/sysinit.target.wants/nvunlock-initrd.service",
    "/hooks/pre-mount/05-nvunlock-unlock.sh",
    "/scripts/init-top/nvunlock",
    "/hooks/nvunlock",
};

constexpr const char* kModuleSuffixes[] = {".ko", ".ko.xz", ".ko.zst", ".ko.gz"};

bool IsClearKek(const CpioEntry& entry) {
  // Firmware has files of that suffix, too.
  if (!entry.name.ends_with(kBlobSuffix) || entry.name.find("firmware/") != std::string::npos) {
    return false;
  }
  return S_ISREG(entry.mode) && entry.size > 0 &&
         !(entry.data && entry.data->starts_with("enc32 "));
}

/// The entries for which HOLDS, each once. In layers below, too: what is covered there is in the
/// file all the same.
template <typename Holds>
std::vector<std::string> NamesWhere(const ImageTree& image, Holds holds) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const auto& layer : image.archive.layers) {
    for (const CpioEntry& entry : layer) {
      if (holds(entry) && seen.insert(entry.name).second) names.push_back(entry.name);
    }
  }
  return names;
}

ImageKind KindOf(const ImageTree& image) {
  bool has_guard = image.FileAt(std::string(kGuardPlace) + kImageGuardFile) != nullptr;
  if (!has_guard) return ImageKind::kUnguarded;
  return image.FileAt(kImageProgram) != nullptr ? ImageKind::kUnlocking : ImageKind::kGuarded;
}

void CheckGuard(const ImageTree& image, ImageCheck& check) {
  if (check.kind == ImageKind::kUnguarded) {
    bool has_program = image.FileAt(kImageProgram) != nullptr;
    check.problems.emplace_back(has_program
                                    ? "it has no guard: it was built when nothing was enrolled"
                                    : "it has neither nvunlock nor the guard");
  } else if (image.TextOf(std::string(kGuardPlace) + kGuardFile) != GuardText() ||
             image.TextOf(std::string(kGuardPlace) + kImageGuardFile) != ImageGuardText()) {
    check.problems.emplace_back("its guard is not the one of this version of nvunlock");
  }
}

void CheckFacts(const ImageTree& image, const MachineKeys& keys, const std::string& host,
                std::vector<std::string>& problems) {
  std::optional<ImageFacts> facts = image.Facts();
  if (!facts || !facts->enrolled) {
    problems.push_back(std::string(kImageFactsFile) + " does not say enrolled=yes");
  } else if (keys.has_rivals && facts->host != host) {
    problems.push_back("it prefers the blobs of " + facts->host + " to those of " + host);
  }
}

std::string Missing(const std::string& name, const std::optional<std::string>& held) {
  return held && !held->empty() ? name + " differs from the one in the keys directory"
                                : "it lacks " + name;
}

void CheckKeys(const ImageTree& image, const MachineKeys& keys,
               std::vector<std::string>& problems) {
  std::string directory = std::string(kImageKeysDir) + "/";
  for (const std::string& name : keys.needed) {
    std::optional<std::string> text = image.TextOf(directory + name);
    if (!text || !keys.IsKeyFile(name, *text)) problems.push_back(Missing(name, text));
  }
  for (const auto& [name, text] : keys.blobs) {
    std::optional<std::string> held = image.TextOf(directory + name);
    if (held != text) problems.push_back(Missing(name, held));
  }
}

bool ListsModule(const CpioEntry& list, const std::string& name) {
  if (!list.data) return false;
  for (std::string_view line : Split(*list.data, '\n')) {
    if (Trim(line).ends_with("/" + name + ".ko")) return true;
  }
  return false;
}

bool HasModule(const ImageTree& image, const std::string& name) {
  for (const auto& [path, entry] : image.files) {
    for (const char* suffix : kModuleSuffixes) {
      bool has_content = entry->size > 0 || entry->link;
      if (has_content && path.ends_with("/" + name + suffix)) return true;
    }
    if (path.ends_with("/modules.builtin") && ListsModule(*entry, name)) return true;
  }
  return false;
}

bool HasDrivers(const ImageTree& image) {
  return HasModule(image, "libnvdimm") &&
         (HasModule(image, "nfit") || HasModule(image, "cxl_pmem"));
}

bool IsStarted(const ImageTree& image) {
  for (const auto& [path, entry] : image.files) {
    for (const char* start : kStarts) {
      if (("/" + path).ends_with(start)) return true;
    }
  }
  return false;
}

void CheckUnlock(const ImageTree& image, const MachineKeys& keys, const std::string& host,
                 std::vector<std::string>& problems) {
  if (keys.hashes.empty()) problems.emplace_back("nothing is enrolled on this machine");
  problems.insert(problems.end(), keys.problems.begin(), keys.problems.end());
  bool can_run = (image.FileAt(kImageProgram)->mode & 0111) != 0;
  if (!can_run) problems.emplace_back("its nvunlock is not executable");
  CheckFacts(image, keys, host, problems);
  CheckKeys(image, keys, problems);
  if (!HasDrivers(image)) problems.emplace_back("it lacks libnvdimm, or both nfit and cxl_pmem");
  if (!IsStarted(image)) problems.emplace_back("nothing in it starts nvunlock");
}

bool IsOldKey(const CpioEntry& entry, const MachineKeys& keys) {
  std::string directory = std::string(kImageKeysDir) + "/";
  if (!entry.name.starts_with(directory) || !entry.data || entry.data->empty()) return false;
  std::string name = entry.name.substr(directory.size());
  if (name.ends_with(".pem")) return !keys.IsKeyFile(name, *entry.data);
  auto current = keys.blobs.find(name);
  return name.ends_with(kBlobSuffix) &&
         (current == keys.blobs.end() || current->second != *entry.data);
}

void CheckTree(const ImageTree& image, const MachineKeys& keys, const std::string& host,
               ImageCheck& check) {
  check.kind = KindOf(image);
  CheckGuard(image, check);
  for (const std::string& name : NamesWhere(image, IsClearKek)) {
    check.problems.push_back(name + " is a kek in clear");
  }
  if (check.kind == ImageKind::kUnlocking) CheckUnlock(image, keys, host, check.problems);
  check.old_keys = NamesWhere(image, [&](const CpioEntry& entry) { return IsOldKey(entry, keys); });
}

}  // namespace

Result<ImageCheck> CheckImage(const Environment& environment, const std::string& path) {
  MachineKeys keys = TRY(ReadMachineKeys(KeyStore(environment.keys_dir)));
  Result<ImageTree> image = OpenImage(path);
  ImageCheck check;
  if (image) {
    CheckTree(*image, keys, environment.host, check);
  } else {
    check.problems.push_back("it cannot be read: " + image.error().message);
  }
  check.path = path;
  return check;
}

const char* Describe(ImageKind kind) {
  switch (kind) {
    case ImageKind::kUnlocking:
      return "has nvunlock and the guard";
    case ImageKind::kGuarded:
      return "has the guard only, and leaves locked DIMMs alone";
    case ImageKind::kUnguarded:
      return "has no guard: if booted, it may try locked DIMMs with zeros";
    case ImageKind::kUnreadable:
      break;
  }
  return "cannot be read";
}

}  // namespace nvunlock
