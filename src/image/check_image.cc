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

/// One run of CheckImage on an image that could be read.
class Checker {
 public:
  Checker(const ImageTree& image, const MachineKeys& keys, const std::string& host)
      : image_(image), keys_(keys), host_(host) {}

  ImageCheck Run() {
    CheckKind();
    CheckGuard();
    CheckClearKeks();
    if (check_.kind == ImageKind::kUnlocking) CheckUnlock();
    ListOldKeys();
    return std::move(check_);
  }

 private:
  void Complain(std::string problem) { check_.problems.push_back(std::move(problem)); }

  void CheckKind() {
    bool has_guard = image_.FileAt(std::string(kGuardPlace) + kImageGuardFile) != nullptr;
    bool has_program = image_.FileAt(kImageProgram) != nullptr;
    check_.kind = !has_guard    ? ImageKind::kUnguarded
                  : has_program ? ImageKind::kUnlocking
                                : ImageKind::kGuarded;
    if (has_guard) return;
    Complain(has_program ? "it has no guard: it was built when nothing was enrolled"
                         : "it has neither nvunlock nor the guard");
  }

  void CheckGuard() {
    if (check_.kind == ImageKind::kUnguarded) return;
    if (image_.TextOf(std::string(kGuardPlace) + kGuardFile) != GuardText() ||
        image_.TextOf(std::string(kGuardPlace) + kImageGuardFile) != ImageGuardText()) {
      Complain("its guard is not the one of this version of nvunlock");
    }
  }

  void CheckClearKeks() {
    std::set<std::string> reported;
    for (const auto& layer : image_.archive.layers) {
      for (const CpioEntry& entry : layer) {
        if (!IsClearKek(entry) || !reported.insert(entry.name).second) continue;
        Complain(entry.name + " is a kek in clear");
      }
    }
  }

  void CheckUnlock() {
    if (keys_.hashes.empty()) Complain("nothing is enrolled on this machine");
    for (const std::string& problem : keys_.problems) Complain(problem);
    if ((image_.FileAt(kImageProgram)->mode & 0111) == 0) Complain("its nvunlock cannot be run");
    CheckFacts();
    CheckKeys();
    if (!HasDrivers()) Complain("it lacks libnvdimm, or both nfit and cxl_pmem");
    if (!IsStarted()) Complain("nothing in it starts nvunlock");
  }

  void CheckFacts() {
    std::optional<ImageFacts> facts = image_.Facts();
    if (!facts || !facts->enrolled) {
      Complain(std::string(kImageFactsFile) + " does not say enrolled=yes");
    } else if (keys_.has_rivals && facts->host != host_) {
      Complain("it prefers the blobs of " + facts->host + " to those of " + host_);
    }
  }

  void CheckKeys() {
    for (const std::string& name : keys_.needed) {
      std::optional<std::string> text = image_.TextOf(PathOf(name));
      if (!text || !keys_.IsKeyFile(name, *text)) Complain(Missing(name, text));
    }
    for (const auto& [name, text] : keys_.blobs) {
      std::optional<std::string> held = image_.TextOf(PathOf(name));
      if (held != text) Complain(Missing(name, held));
    }
  }

  static std::string PathOf(const std::string& name) {
    return std::string(kImageKeysDir) + "/" + name;
  }

  static std::string Missing(const std::string& name, const std::optional<std::string>& held) {
    return held && !held->empty() ? name + " is another one than in the keys directory"
                                  : "it lacks " + name;
  }

  [[nodiscard]] bool HasDrivers() const {
    return HasModule("libnvdimm") && (HasModule("nfit") || HasModule("cxl_pmem"));
  }

  [[nodiscard]] bool HasModule(const std::string& name) const {
    for (const auto& [path, entry] : image_.files) {
      for (const char* suffix : kModuleSuffixes) {
        bool has_content = entry->size > 0 || entry->link;
        if (has_content && path.ends_with("/" + name + suffix)) return true;
      }
      if (path.ends_with("/modules.builtin") && ListsModule(*entry, name)) return true;
    }
    return false;
  }

  static bool ListsModule(const CpioEntry& list, const std::string& name) {
    if (!list.data) return false;
    for (std::string_view line : Split(*list.data, '\n')) {
      if (Trim(line).ends_with("/" + name + ".ko")) return true;
    }
    return false;
  }

  [[nodiscard]] bool IsStarted() const {
    for (const auto& [path, entry] : image_.files) {
      for (const char* start : kStarts) {
        if (("/" + path).ends_with(start)) return true;
      }
    }
    return false;
  }

  /// In layers below, too: what is covered there is in the file all the same.
  void ListOldKeys() {
    std::set<std::string> reported;
    for (const auto& layer : image_.archive.layers) {
      for (const CpioEntry& entry : layer) {
        if (IsOldKey(entry) && reported.insert(entry.name).second) {
          check_.old_keys.push_back(entry.name);
        }
      }
    }
  }

  [[nodiscard]] bool IsOldKey(const CpioEntry& entry) const {
    std::string directory = std::string(kImageKeysDir) + "/";
    if (!entry.name.starts_with(directory) || !entry.data || entry.data->empty()) return false;
    std::string name = entry.name.substr(directory.size());
    if (name.ends_with(".pem")) return !keys_.IsKeyFile(name, *entry.data);
    auto current = keys_.blobs.find(name);
    return name.ends_with(kBlobSuffix) &&
           (current == keys_.blobs.end() || current->second != *entry.data);
  }

  const ImageTree& image_;
  const MachineKeys& keys_;
  const std::string& host_;
  ImageCheck check_;
};

}  // namespace

Result<ImageCheck> CheckImage(const Environment& environment, const std::string& path) {
  MachineKeys keys = TRY(ReadMachineKeys(KeyStore(environment.keys_dir)));
  Result<ImageTree> image = OpenImage(path);
  ImageCheck check;
  if (image) {
    check = Checker(*image, keys, environment.host).Run();
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
      return "has no guard: booted, it may try locked DIMMs with zeros";
    case ImageKind::kUnreadable:
      break;
  }
  return "cannot be read";
}

}  // namespace nvunlock
