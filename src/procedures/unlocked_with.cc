#include "src/procedures/unlocked_with.h"

#include "src/base/text.h"
#include "src/os/file.h"

namespace nvunlock {
namespace {

constexpr size_t kLimit = 64 << 10;

std::string PathIn(const Environment& environment) {
  return environment.run_dir + "/unlocked-with";
}

}  // namespace

Result<void> WriteUnlockedWith(const Environment& environment, const UnlockedWith& blobs) {
  std::string text = "# DIMM, and the SHA-256 of the blob that unlocked it in this boot\n";
  for (const auto& [id, hash] : blobs) text += id + " " + hash + "\n";
  TRY(MakeDirectories(environment.run_dir, 0755));
  return WriteFileDurably(PathIn(environment), text, 0600, IfPresent::kReplace);
}

UnlockedWith ReadUnlockedWith(const Environment& environment) {
  UnlockedWith blobs;
  std::string text = ReadFile(PathIn(environment), kLimit).value_or("");
  for (std::string_view line : Split(text, '\n')) {
    std::vector<std::string_view> words = Split(line, ' ');
    if (words.size() == 2 && words[0] != "#") blobs.emplace(words[0], words[1]);
  }
  return blobs;
}

}  // namespace nvunlock
