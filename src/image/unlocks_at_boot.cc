// SPDX-License-Identifier: Apache-2.0
#include "src/image/unlocks_at_boot.h"

#include <algorithm>

#include "src/image/find_images.h"
#include "src/image/image_tree.h"
#include "src/model/key_store.h"

namespace nvunlock {

bool UnlocksAtBoot(const Environment& environment) {
  Result<std::vector<KekName>> keks = KeyStore(environment.keys_dir).EnrolledKeks();
  if (!keks || !keks->empty() || !CheckBootIsMounted(environment)) return true;
  std::vector<std::string> images = ImagesIn(environment);
  return std::any_of(images.begin(), images.end(), [](const std::string& path) {
    Result<ImageTree> image = OpenImage(path);
    return image && image->ShallUnlock();
  });
}

}  // namespace nvunlock
