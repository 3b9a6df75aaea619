// SPDX-License-Identifier: Apache-2.0
#ifndef NVUNLOCK_IMAGE_IMAGE_ARCHIVE_H_
#define NVUNLOCK_IMAGE_IMAGE_ARCHIVE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/base/result.h"
#include "src/image/cpio.h"
#include "src/os/decompress.h"

namespace nvunlock {

/// What is in an initramfs image.
struct ImageArchive {
  bool is_uki = false;
  std::vector<std::vector<CpioEntry>> layers;  ///< in the order in which Linux unpacks them
  std::optional<Compression> compression;      ///< of its last part, a patch not counted
  uint64_t base_size = 0;                      ///< bytes of the file without a patch
  std::string file_version;                    ///< LargeFile::version
  bool has_boot_config = false;                ///< at its end, where nothing may follow
};

/// Reads an initramfs image as Linux would: cpio archives, then compressed ones, then a patch
/// (FormatPatch); or the one in a UKI. Keeps the data of small files that WANTED wants; of the
/// others the names only. The file may be hostile.
Result<ImageArchive> ReadImageArchive(const std::string& path, const CpioReader::Predicate& wanted);

/// By path what is there when all layers have been unpacked over each other. IMAGE must outlive it.
std::map<std::string, const CpioEntry*> UnpackedTree(const ImageArchive& image);

/// What has to follow the first BASE_SIZE bytes of an image for ENTRIES to be unpacked over it: an
/// archive whose first file tells where the image ended.
std::string FormatPatch(uint64_t base_size, std::vector<CpioEntry> entries);

}  // namespace nvunlock

#endif  // NVUNLOCK_IMAGE_IMAGE_ARCHIVE_H_
