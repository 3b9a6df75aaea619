// SPDX-License-Identifier: Apache-2.0
#include "src/image/refresh_images.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "src/base/text.h"
#include "src/image/check_image.h"
#include "src/image/find_images.h"
#include "src/image/image_contents.h"
#include "src/image/image_tree.h"
#include "src/model/blob_name.h"
#include "src/os/directory_lock.h"
#include "src/os/file.h"
#include "src/os/file_part.h"
#include "src/os/kmsg.h"
#include "src/os/mounts.h"
#include "src/os/program.h"
#include "src/passphrase/rollback_check.h"
#include "src/seal/approve_all.h"

namespace nvunlock {
namespace {

constexpr mode_t kPrivateFile = S_IFREG | 0600;

/// From which on Linux takes what follows a legacy lz4 archive for something of its own.
constexpr std::pair<unsigned, unsigned> kLz4Kernel = {5, 14};

Failure Outdated(std::string message) {
  return Fail(Errc::kImageOutdated, std::move(message));
}

CpioEntry FileEntry(std::string path, std::string content) {
  return {.name = std::move(path),
          .mode = kPrivateFile,
          .data = std::make_shared<const std::string>(std::move(content))};
}

/// Blobs that the image would give to unlock and that are not there any more.
std::vector<std::string> SurplusBlobs(const ImageTree& image, const std::vector<ImageFile>& keys) {
  std::set<std::string> known;
  for (const ImageFile& file : keys) known.insert(file.path);
  std::vector<std::string> surplus;
  for (const auto& [path, entry] : image.files) {
    bool is_blob =
        path.starts_with(std::string(kImageKeysDir) + "/") && path.ends_with(kBlobSuffix);
    if (is_blob && entry->size > 0 && !known.contains(path)) surplus.push_back(path);
  }
  return surplus;
}

bool IsUpToDate(const ImageTree& image, const std::vector<ImageFile>& keys) {
  auto is_held = [&](const ImageFile& file) { return image.TextOf(file.path) == file.content; };
  return std::all_of(keys.begin(), keys.end(), is_held) && SurplusBlobs(image, keys).empty();
}

/// All that the image must get over what it has. A patch that it has already is thrown away, so
/// blobs that an older patch has emptied have to be emptied again.
std::string MakePatch(const ImageTree& image, const std::vector<ImageFile>& keys) {
  std::vector<CpioEntry> entries = {{.name = "etc/ndctl", .mode = S_IFDIR | 0755},
                                    {.name = kImageKeysDir, .mode = S_IFDIR | 0700}};
  std::set<std::string> known;
  for (const ImageFile& file : keys) {
    known.insert(file.path);
    entries.push_back(FileEntry(file.path, file.content));
  }
  for (const auto& [path, entry] : image.files) {
    bool is_blob =
        path.starts_with(std::string(kImageKeysDir) + "/") && path.ends_with(kBlobSuffix);
    if (is_blob && !known.contains(path)) entries.push_back(FileEntry(path, ""));
  }
  return FormatPatch(image.archive.base_size, std::move(entries));
}

/// The oldest kernel for which the image has modules.
std::optional<std::pair<unsigned, unsigned>> OldestKernel(const ImageTree& image) {
  static constexpr std::string_view kModules = "lib/modules/";
  std::optional<std::pair<unsigned, unsigned>> oldest;
  for (const auto& [path, entry] : image.files) {
    size_t start = path.find(kModules);
    if (start == std::string::npos) continue;
    auto numbers = Split(std::string_view(path).substr(start + kModules.size()), '.');
    auto major = ParseUnsigned(numbers[0]);
    if (!major || numbers.size() < 2) continue;
    std::pair<unsigned, unsigned> kernel = {*major, ParseUnsigned(numbers[1]).value_or(0)};
    oldest = oldest ? std::min(*oldest, kernel) : kernel;
  }
  return oldest;
}

/// Why nothing can be appended to an image; nullptr when it can.
const char* WhyNotPatched(const ImageTree& image) {
  const ImageArchive& archive = image.archive;
  if (archive.is_uki) return "it is a UKI, which cannot be patched";
  if (archive.has_boot_config) return "it ends with a boot configuration, so it cannot be patched";
  // Linux' decompressor does not say to the byte where the archive ends.
  if (archive.compression == Compression::kLzma) {
    return "it is packed with lzma, so Linux would not find a patch";
  }
  auto kernel = OldestKernel(image);
  if (archive.compression == Compression::kLz4 && kernel && *kernel < kLz4Kernel) {
    return "it is packed with lz4, so Linux before 5.14 would not find a patch";
  }
  return nullptr;
}

/// An image that lacks something, and what there is to be done.
struct Patching {
  std::string path;
  std::string version;
  uint64_t base_size;
  std::string patch;
};

/// The images that are meant to unlock this machine.
struct Images {
  std::vector<std::string> all;
  std::vector<Patching> outdated;
};

Result<void> LookAt(const std::string& path, const ImageOptions& options,
                    const std::vector<ImageFile>& keys, Images& images) {
  Result<ImageTree> image = OpenImage(path);
  // Nobody knows that it is not the one that boots.
  if (!image) return Outdated(image.error().message);
  if (!image->ShallUnlock()) return {};
  images.all.push_back(path);
  if (IsUpToDate(*image, keys)) return {};
  const char* obstacle = WhyNotPatched(*image);
  if (obstacle != nullptr && options.rebuild_command.empty()) {
    return Outdated(path + " is not up to date: " + obstacle +
                    "; set rebuild-images= in nvunlock.conf, or rebuild it");
  }
  images.outdated.push_back({path, image->archive.file_version, image->archive.base_size,
                             obstacle == nullptr ? MakePatch(*image, keys) : ""});
  return {};
}

Result<Images> LookAtAll(const Environment& environment, const ImageOptions& options,
                         const std::vector<ImageFile>& keys) {
  Images images;
  std::set<std::string> seen;
  for (const std::string& found : ImagesIn(environment)) {
    if (IsLink(found) && !Exists(found)) continue;  // of a kernel that is gone
    std::string path = TRY(ResolvePath(found));
    if (seen.insert(path).second) TRY(LookAt(path, options, keys, images));
  }
  return images;
}

/// Before an image changes. Without it the next boot asks for a recovery key, and no more is lost.
void ApproveNextBoot(const Environment& environment) {
  Result<void> approved = ApproveUpdate(environment);
  if (approved) return;
  WriteKernelLog(LogLevel::kWarning, "the next boot is not approved: " + approved.error().message);
}

/// Who has another keys directory may have images in the same /boot, where users may look, and
/// which may be a FAT file system, where they may open everything.
Result<void> PatchAll(const Environment& environment, const std::vector<Patching>& outdated) {
  if (outdated.empty()) return {};
  TRY(MakeDirectories(environment.run_dir, 0755));
  DirectoryLock lock = TRY(LockDirectory(environment.run_dir));
  for (const Patching& patching : outdated) {
    TRY_IN("patch " + patching.path,
           ReplaceEnd(patching.path, patching.version, patching.base_size, patching.patch));
  }
  return {};
}

/// Returns the program. What it says goes to our standard error: standard output is for results.
Result<std::string> Rebuild(const std::string& command) {
  std::vector<std::string> words;
  for (std::string_view word : Split(command, ' ')) {
    if (!word.empty()) words.emplace_back(word);
  }
  if (words.empty()) return Fail("rebuild-images= names no program");
  pid_t pid = TRY(StartProgram(words, {.output = STDERR_FILENO, .errors = STDERR_FILENO}));
  TRY_IN("rebuild the images", AwaitProgram(pid, words.front()));
  return words.front();
}

Result<void> Check(const Environment& environment, const std::string& path) {
  ImageCheck check = TRY(CheckImage(environment, path));
  if (check.problems.empty()) return {};
  return Outdated(path + ": " + check.problems.front());
}

/// What the next step changes must not reach the DIMM before this reaches the boot loader. A run
/// that was cut short may have left that to us.
Result<void> Flush(const std::vector<std::string>& images) {
  std::set<std::string> directories;
  for (const std::string& path : images) directories.insert(DirectoryOf(path));
  for (const std::string& directory : directories) TRY(FlushFileSystem(directory));
  return {};
}

}  // namespace

Result<std::vector<std::string>> TryAndRefreshImages(const Environment& environment,
                                                     const ImageOptions& options) {
  TRY(CheckBootIsMounted(environment));
  TRY(TryForLastCopy(environment));
  std::vector<ImageFile> keys = TRY(KeysForImage(environment, options.with_passphrase_slots));
  Images images = TRY(LookAtAll(environment, options, keys));
  if (!images.outdated.empty()) ApproveNextBoot(environment);
  if (!images.outdated.empty() && !options.rebuild_command.empty()) {
    std::string program = TRY(Rebuild(options.rebuild_command));
    images = TRY(LookAtAll(environment, options, keys));
    if (!images.outdated.empty()) {
      return Outdated(images.outdated.front().path + " is still not up to date after " + program +
                      " has been run");
    }
  }
  TRY(PatchAll(environment, images.outdated));
  if (images.all.empty()) return Outdated("no initramfs image unlocks this machine");
  for (const std::string& path : images.all) TRY(Check(environment, path));
  TRY(Flush(images.all));
  return std::move(images.all);
}

}  // namespace nvunlock
