// SPDX-License-Identifier: Apache-2.0
#include "src/terminal/image_options.h"

#include "src/image/refresh_images.h"
#include "src/image/unlocks_at_boot.h"
#include "src/unlock/read_config.h"

namespace nvunlock {

Option NoImageOption(bool& target) {
  return {"no-image", nullptr, "leave initramfs images alone, even if the next boot needs new ones",
          Set(target)};
}

ImageRefresh ImageRefreshFor(const Environment& environment) {
  return [&environment] {
    Config config = ReadConfig(environment).config;
    return TryAndRefreshImages(environment,
                               {.with_passphrase_slots = config.recovery_passphrase_in_initramfs,
                                .rebuild_command = config.rebuild_images});
  };
}

ImageRefresh ImageRefreshIfEnrolled(const Environment& environment) {
  return UnlocksAtBoot(environment) ? ImageRefreshFor(environment) : ImageRefresh();
}

}  // namespace nvunlock
