#include "src/procedures/inspect_images.h"

#include "src/os/image_listing.h"
#include "src/procedures/guard.h"
#include "src/procedures/record_image.h"

namespace nvunlock {
namespace {

ImageKind KindOf(const std::string& listing) {
  bool has_guard =
      listing.find(std::string("etc/modprobe.d") + kImageGuardFile) != std::string::npos;
  bool has_program = listing.find("usr/bin/nvunlock") != std::string::npos;
  if (!has_guard) return ImageKind::kUnguarded;
  return has_program ? ImageKind::kUnlocking : ImageKind::kGuarded;
}

}  // namespace

std::vector<ImageFindings> InspectImages(const Environment& environment) {
  std::vector<ImageFindings> images;
  for (const std::string& path : ImagesIn(environment)) {
    Result<std::string> listing = ListImage(environment.image_listers, path);
    images.push_back({.path = path, .kind = listing ? KindOf(*listing) : ImageKind::kUnreadable});
  }
  return images;
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
  return "cannot be listed";
}

}  // namespace nvunlock
