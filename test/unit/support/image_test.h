// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_TEST_UNIT_SUPPORT_IMAGE_TEST_H_
#define NVUNLOCK_TEST_UNIT_SUPPORT_IMAGE_TEST_H_

#include <gmock/gmock.h>

#include "src/image/image_contents.h"
#include "src/unlock/guard.h"
#include "test/unit/support/machine.h"
#include "test/unit/support/results.h"
#include "test/unit/support/sample_image.h"
#include "test/unit/support/tpm_samples.h"

namespace nvunlock {

inline constexpr char kBlobName[] = "nvdimm_8089-a2-1740-00000133_here.blob";

/// An enrolled machine with one blob, and an image that unlocks it.
class ImageTest : public MachineTest {
 protected:
  void SetUp() override {
    AddBlob(kDimmId, kek_);
    EnrollKek(kek_);
    image_.Put("etc/modprobe.d/00-nvunlock.conf", GuardText());
    image_.Put("etc/modprobe.d/00-nvunlock-image.conf", ImageGuardText());
    image_.Put("usr/bin/nvunlock", "a program", S_IFREG | 0755);
    image_.Put("usr/lib/modules/6.1.0/kernel/drivers/nvdimm/libnvdimm.ko.xz", "a module");
    image_.Put("usr/lib/modules/6.1.0/kernel/drivers/acpi/nfit/nfit.ko.xz", "a module");
    image_.Put("scripts/init-top/nvunlock", "#!/bin/sh\n", S_IFREG | 0755);
    PutKeys();
  }

  /// As an image has them that is built now.
  void PutKeys() {
    for (const ImageFile& file : Must(KeysForImage(environment_, false))) {
      image_.Put(file.path, file.content);
    }
  }

  /// A blob of the keys directory in STAGE, such as "nvdimm-new".
  void Stage(const std::string& word, const std::string& text) const {
    WriteKeysFile(word + std::string(kBlobName).substr(6), text);
  }

  std::string Install(const std::string& name, const std::string& content) const {
    return directory_.Write("boot/" + name, content);
  }

  Secret kek_ = SampleSecret(32);
  SampleImage image_;
};

}  // namespace nvunlock

#endif  // NVUNLOCK_TEST_UNIT_SUPPORT_IMAGE_TEST_H_
