// SPDX-License-Identifier: Apache-2.0
#include "src/image/stale_keys.h"

#include "src/image/check_image.h"
#include "src/image/find_images.h"

namespace nvunlock {

std::vector<std::string> FindOldKeys(const Environment& environment) {
  std::vector<std::string> lines;
  Result<void> mounted = CheckBootIsMounted(environment);
  if (!mounted) lines.push_back(std::move(mounted.error().message));
  for (const std::string& image : ImagesIn(environment)) {
    Result<ImageCheck> check = CheckImage(environment, image);
    if (!check) {
      lines.push_back(image + ": " + check.error().message);
      continue;
    }
    if (check->kind == ImageKind::kUnreadable) {
      lines.push_back(image + " may hold old keys: " + check->problems.front());
      continue;
    }
    if (check->old_keys.empty()) continue;
    std::string names;
    for (const std::string& name : check->old_keys) names += (names.empty() ? "" : ", ") + name;
    lines.push_back(image + " still holds old keys (" + names + "): rebuild it, or remove it");
  }
  return lines;
}

}  // namespace nvunlock
