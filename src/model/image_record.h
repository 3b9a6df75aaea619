// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/records/record_image_test.cc.
#ifndef NVUNLOCK_MODEL_IMAGE_RECORD_H_
#define NVUNLOCK_MODEL_IMAGE_RECORD_H_

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "src/base/result.h"
#include "src/model/key_file.h"

namespace nvunlock {

/// The file in the run directory in which `unlock` leaves an ImageRecord.
inline constexpr char kImageRecordFile[] = "image.json";

/// What of the keys directory was in the initramfs image of this boot. The one on disk may have
/// changed since, and the next boot has the image's.
struct ImageRecord {
  std::map<std::string, std::string> hashes;  ///< file name to HashOfKeyFile or HashOfBlob
  std::set<std::string> sealed_objects;       ///< IdOfSlot of each TPM slot in a key file

  bool operator==(const ImageRecord&) const = default;
};

std::string FormatImageRecord(const ImageRecord& record);
Result<ImageRecord> ParseImageRecord(std::string_view json);

/// The SHA-256 in hex of FILE as an image has it: the same for a file and for its copy in an image
/// that was built with the same configuration.
Result<std::string> HashOfKeyFile(const KeyFile& file, bool with_passphrase);

/// Tells TPM slots apart; nothing in it is secret.
std::string IdOfSlot(const TpmSlot& slot);

}  // namespace nvunlock

#endif  // NVUNLOCK_MODEL_IMAGE_RECORD_H_
