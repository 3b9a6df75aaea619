// SPDX-License-Identifier: Apache-2.0
#include "src/image/find_images.h"

#include <algorithm>

#include "src/os/file.h"
#include "src/os/mounts.h"

namespace nvunlock {
namespace {

/// /boot/MACHINE-ID/VERSION/initrd and /boot/efi/EFI/Linux/NAME.efi.
constexpr int kBootDepth = 4;

/// Other .efi files are boot loaders. A rescue kernel is no .img file.
bool IsImage(const std::string& directory, const std::string& name) {
  bool is_uki = name.ends_with(".efi") && directory.ends_with("/EFI/Linux");
  bool is_rescue = name.ends_with(".img") && name.find("rescue") != std::string::npos;
  return name.starts_with("initrd") || name.starts_with("initramfs") || is_rescue || is_uki;
}

void FindImages(const std::string& directory, int depth, std::vector<std::string>& images) {
  Result<std::vector<std::string>> names = ListDirectory(directory);
  if (!names) return;
  for (const std::string& name : *names) {
    std::string path = directory + "/" + name;
    if (IsDirectory(path)) {
      if (depth > 0 && !IsLink(path)) FindImages(path, depth - 1, images);
    } else if (IsImage(directory, name)) {
      images.push_back(std::move(path));
    }
  }
}

}  // namespace

std::vector<std::string> ImagesIn(const Environment& environment) {
  std::vector<std::string> images;
  for (const std::string& directory : environment.boot_dirs) {
    FindImages(directory, kBootDepth, images);
  }
  return images;
}

std::optional<int64_t> NewestImageTime(const Environment& environment) {
  std::optional<int64_t> newest;
  for (const std::string& image : ImagesIn(environment)) {
    Result<int64_t> time = ModificationTime(image);
    if (time) newest = std::max(newest.value_or(*time), *time);
  }
  return newest;
}

Result<void> CheckBootIsMounted(const Environment& environment) {
  for (const std::string& point : MountPointsIn(environment.fstab)) {
    for (const std::string& directory : environment.boot_dirs) {
      bool is_in_it = point == directory || point.starts_with(directory + "/");
      if (!is_in_it || IsMounted(point)) continue;
      return Fail(point + " is not mounted, so the images that boot are missing; mount it");
    }
  }
  return {};
}

}  // namespace nvunlock
