#include "src/procedures/unlocks_at_boot.h"

#include <algorithm>

#include "src/model/key_store.h"
#include "src/procedures/boot_images.h"
#include "src/procedures/image_tree.h"

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
