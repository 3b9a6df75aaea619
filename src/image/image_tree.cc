// SPDX-License-Identifier: Apache-2.0
#include "src/image/image_tree.h"

#include <sys/stat.h>

#include "src/image/image_contents.h"
#include "src/model/blob_name.h"

namespace nvunlock {
namespace {

bool IsOurs(const std::string& name) {
  return name.starts_with(kImageKeysDir) || name.starts_with("etc/nvunlock/") ||
         name.starts_with("etc/modprobe.d/00-nvunlock") || name.ends_with(kBlobSuffix) ||
         name.ends_with("/modules.builtin");
}

}  // namespace

const CpioEntry* ImageTree::FileAt(const std::string& path) const {
  auto found = files.find(path);
  bool is_file = found != files.end() && S_ISREG(found->second->mode);
  return is_file ? found->second : nullptr;
}

std::optional<std::string> ImageTree::TextOf(const std::string& path) const {
  const CpioEntry* file = FileAt(path);
  return file != nullptr && file->data ? std::optional(*file->data) : std::nullopt;
}

std::optional<ImageFacts> ImageTree::Facts() const {
  std::optional<std::string> text = TextOf(kImageFactsFile);
  if (!text) return std::nullopt;
  Result<ImageFacts> facts = ParseImageFacts(*text);
  return facts ? std::optional<ImageFacts>(*facts) : std::nullopt;
}

bool ImageTree::ShallUnlock() const {
  std::optional<ImageFacts> facts = Facts();
  return FileAt(kImageProgram) != nullptr && facts && facts->enrolled;
}

Result<ImageTree> OpenImage(const std::string& path) {
  ImageTree tree(TRY(ReadImageArchive(path, IsOurs)));
  tree.files = UnpackedTree(tree.archive);
  return tree;
}

}  // namespace nvunlock
