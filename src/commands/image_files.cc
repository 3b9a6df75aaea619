// SPDX-License-Identifier: Apache-2.0
#include "src/commands/commands.h"
#include "src/image/image_contents.h"
#include "src/os/file.h"
#include "src/terminal/options.h"
#include "src/terminal/output.h"
#include "src/unlock/drivers.h"
#include "src/unlock/read_config.h"

namespace nvunlock {
namespace {

/// PLACES are the tree that an image is built from and what else goes into it.
Result<void> WriteFiles(const Environment& environment, ImageFilesOptions image,
                        const std::vector<std::string>& places) {
  if (places.empty() || !IsDirectory(places.front())) {
    return Fail(Errc::kUsage, "name the directory in which the image is being built");
  }
  ParsedConfig parsed = ReadConfig(environment);
  for (const std::string& complaint : parsed.complaints) PrintError(complaint);
  image.tree = places.front();
  image.more.assign(places.begin() + 1, places.end());
  image.with_passphrase_slots = parsed.config.recovery_passphrase_in_initramfs;
  return WriteImageFiles(environment, image);
}

}  // namespace

Result<int> RunImageFiles(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  ImageFilesOptions image;
  bool only_drivers = false;
  std::vector<Option> options = EnvironmentOptions(environment);
  options.push_back({"guard-only", nullptr, "no key files: for images that must never unlock",
                     Set(image.guard_only)});
  options.push_back(
      {"drivers", nullptr, "only list the kernel modules an image needs", Set(only_drivers)});
  std::vector<std::string> places = TRY(ParseOptions(invocation, options));
  if (!only_drivers) {
    TRY(WriteFiles(environment, std::move(image), places));
    return 0;
  }
  if (!places.empty()) return Fail(Errc::kUsage, "--drivers takes no directory");
  for (const std::string& driver : DriversForImages()) Print(driver + "\n");
  return 0;
}

}  // namespace nvunlock
