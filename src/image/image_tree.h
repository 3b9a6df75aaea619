// SPDX-License-Identifier: Apache-2.0
// Tested by test/unit/image/check_image_test.cc.
#ifndef NVUNLOCK_IMAGE_IMAGE_TREE_H_
#define NVUNLOCK_IMAGE_IMAGE_TREE_H_

#include <map>
#include <optional>
#include <string>

#include "src/base/result.h"
#include "src/image/image_archive.h"
#include "src/model/config.h"

namespace nvunlock {

/// An image, and what is there when Linux has unpacked it.
struct ImageTree {
  ImageTree(ImageTree&&) = default;
  ImageTree& operator=(ImageTree&&) = default;

  /// The regular file at PATH; nullptr when there is none.
  [[nodiscard]] const CpioEntry* FileAt(const std::string& path) const;

  /// Its text, for the files that OpenImage keeps.
  [[nodiscard]] std::optional<std::string> TextOf(const std::string& path) const;

  /// What it says of itself; nullopt when it does not, or not legibly.
  [[nodiscard]] std::optional<ImageFacts> Facts() const;

  /// Whether it is meant to unlock: nvunlock is in it, and something was enrolled when it was
  /// built.
  [[nodiscard]] bool ShallUnlock() const;

  ImageArchive archive;
  std::map<std::string, const CpioEntry*> files;  ///< of all types, by path; point into `archive`

 private:
  explicit ImageTree(ImageArchive read) : archive(std::move(read)) {}
  friend Result<ImageTree> OpenImage(const std::string& path);
};

/// Reads an image, and keeps the text of what is nvunlock's in it, of what could be a key, and of
/// lists of built-in modules.
Result<ImageTree> OpenImage(const std::string& path);

}  // namespace nvunlock

#endif  // NVUNLOCK_IMAGE_IMAGE_TREE_H_
