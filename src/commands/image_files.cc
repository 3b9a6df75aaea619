#include "src/commands/commands.h"
#include "src/commands/options.h"
#include "src/commands/output.h"
#include "src/image/image_contents.h"
#include "src/os/file.h"
#include "src/unlock/read_config.h"

namespace nvunlock {

Result<int> RunImageFiles(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  ImageFilesOptions image;
  std::vector<Option> options = EnvironmentOptions(environment);
  options.push_back({"guard-only", nullptr, "no key files: for images that shall never unlock",
                     Set(image.guard_only)});
  std::vector<std::string> places = TRY(ParseOptions(invocation, options));
  if (places.empty() || !IsDirectory(places.front())) {
    return Fail(Errc::kUsage, "say in which directory the image is being built");
  }
  ParsedConfig parsed = ReadConfig(environment);
  for (const std::string& complaint : parsed.complaints) PrintError(complaint);
  image.tree = places.front();
  image.more.assign(places.begin() + 1, places.end());
  image.with_passphrase_slots = parsed.config.recovery_passphrase_in_initramfs;
  TRY(WriteImageFiles(environment, image));
  return 0;
}

}  // namespace nvunlock
