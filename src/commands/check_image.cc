// SPDX-License-Identifier: Apache-2.0
#include "src/image/check_image.h"

#include <algorithm>

#include "src/commands/commands.h"
#include "src/image/find_images.h"
#include "src/terminal/options.h"
#include "src/terminal/output.h"
#include "src/terminal/status_json.h"

namespace nvunlock {
namespace {

std::string Join(const std::vector<std::string>& words, const char* separator) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : separator) + word;
  return text;
}

std::string BootVerdict(const ImageCheck& check) {
  if (!check.problems.empty()) return "would not unlock: " + Join(check.problems, "; ");
  return check.kind == ImageKind::kUnlocking ? "unlocks this machine" : Describe(check.kind);
}

/// Names of files in an image may hold anything, also what a terminal would act upon.
std::string Printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  return text;
}

void PrintCheck(const ImageCheck& check) {
  std::string old = check.old_keys.empty() ? "" : "; old keys: " + Join(check.old_keys, ", ");
  Print(Printable(check.path + ": " + BootVerdict(check) + old) + "\n");
}

Result<std::vector<ImageCheck>> CheckImages(const Environment& environment,
                                            const std::vector<std::string>& paths) {
  std::vector<ImageCheck> checks;
  checks.reserve(paths.size());
  for (const std::string& path : paths) {
    checks.push_back(TRY(CheckImage(environment, path)));
  }
  return checks;
}

/// Empty when all is well.
std::string Verdict(const std::vector<ImageCheck>& checks, bool one_must_unlock) {
  auto is_bad = [](const ImageCheck& check) { return !check.problems.empty(); };
  auto unlocks = [](const ImageCheck& check) { return check.kind == ImageKind::kUnlocking; };
  auto bad = std::count_if(checks.begin(), checks.end(), is_bad);
  if (bad > 0) {
    return std::to_string(bad) + " of " + std::to_string(checks.size()) +
           " images would not unlock this machine";
  }
  bool lacks_one = one_must_unlock && std::none_of(checks.begin(), checks.end(), unlocks);
  return lacks_one ? "no initramfs image unlocks this machine" : "";
}

}  // namespace

Result<int> RunCheckImage(const Invocation& invocation) {
  Environment environment = EnvironmentBelow("");
  bool all = false;
  bool as_json = false;
  std::vector<Option> options = EnvironmentOptions(environment);
  options.push_back({"all", nullptr, "check all images in /boot and /efi", Set(all)});
  options.push_back(JsonOption(as_json));
  std::vector<std::string> paths = TRY(ParseOptions(invocation, options));
  if (all != paths.empty()) return Fail(Errc::kUsage, "name the images to check, or use --all");
  if (all) {
    TRY(CheckBootIsMounted(environment));
    paths = ImagesIn(environment);
  }
  std::vector<ImageCheck> checks = TRY(CheckImages(environment, paths));
  if (as_json) {
    Print(FormatImageChecks(checks));
  } else {
    for (const ImageCheck& check : checks) PrintCheck(check);
  }
  std::string verdict = Verdict(checks, all);
  if (!verdict.empty()) return Fail(Errc::kImageOutdated, std::move(verdict));
  return 0;
}

}  // namespace nvunlock
